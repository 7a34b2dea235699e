import { env } from '@fieldgate/service';
import { z } from 'zod';

/** The variables of the operator API; whoever composes a process spreads them into the schema of its environment. */
export const operatorApiEnvironment = {
  /** `0.0.0.0` to let operators on other machines in. */
  FIELDGATE_HTTP_HOST: env.text().default('127.0.0.1'),
  FIELDGATE_HTTP_PORT: env.port().default(8080),
  /** Not set: generated at the first start, when the log is embedded. */
  FIELDGATE_ADMIN_KEY: z
    .string()
    .regex(/^[\x21-\x7e]{16,256}$/, 'must be 16 to 256 printable characters without spaces')
    .optional(),
};

export interface OperatorApiConfig {
  /** `sha256$salt$hash` of the admin key, see `loadAdminKey`. */
  readonly adminKeyHash: string;
}

export const OPERATOR_API_CONFIG = Symbol('OperatorApiConfig');
