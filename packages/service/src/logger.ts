import type { LoggerService } from '@nestjs/common';
import { pino, type DestinationStream, type Logger } from 'pino';
import { PinoPretty as pretty } from 'pino-pretty';

export type { Logger } from 'pino';

export const LOGGER = Symbol('Logger');

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** JSON lines on standard output; `pretty` writes for a person at a terminal, in this process: a worker thread costs 40 MB. */
export function createLogger(
  options: { level: (typeof LOG_LEVELS)[number]; pretty?: boolean },
  destination?: DestinationStream,
): Logger {
  const base = { level: options.level, base: null };
  if (destination) return pino(base, destination);
  return options.pretty ? pino(base, pretty({ sync: true, translateTime: 'SYS:HH:MM:ss' })) : pino(base);
}

/** What Nest calls itself when it reports what keeps it from starting. */
const STARTING: ReadonlySet<unknown> = new Set(['NestApplication', 'ExceptionHandler']);

/** What Nest itself has to say, in our log. Its start-up chatter is debug. */
export class NestLog implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, context?: unknown): void {
    this.logger.debug({ context }, String(message));
  }

  error(message: unknown, ...rest: unknown[]): void {
    // what ends a start is thrown to us as well, and said once, in our words
    const level = STARTING.has(rest.at(-1)) ? 'debug' : 'error';
    this.logger[level]({ rest }, String(message));
  }

  warn(message: unknown, context?: unknown): void {
    this.logger.warn({ context }, String(message));
  }

  debug(message: unknown, context?: unknown): void {
    this.logger.debug({ context }, String(message));
  }

  verbose(message: unknown, context?: unknown): void {
    this.logger.trace({ context }, String(message));
  }
}
