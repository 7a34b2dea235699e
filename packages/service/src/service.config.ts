import { z } from 'zod';
import { env } from './environment.js';
import { LOG_LEVELS } from './logger.js';

/** What every process reads from the environment, whatever its roles. */
export const serviceEnvironment = {
  FIELDGATE_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  /** `auto`: readable on a terminal, JSON lines elsewhere. */
  FIELDGATE_LOG_FORMAT: z.enum(['auto', 'json', 'pretty']).default('auto'),
  /** Health, metrics, and the operator API where it runs. */
  FIELDGATE_HTTP_HOST: env.text().default('127.0.0.1'),
  FIELDGATE_HTTP_PORT: env.port().default(8080),
};
