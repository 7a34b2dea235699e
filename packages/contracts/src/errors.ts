import { LOG_ERRORS } from './errors/log-errors.js';
import { MQTT_ERRORS } from './errors/mqtt-errors.js';
import { OPERATOR_ERRORS } from './errors/operator-errors.js';
import { PROCESS_ERRORS } from './errors/process-errors.js';
import { REFUSED_ERRORS } from './errors/refused-errors.js';

/**
 * Every code that a user, an operator or a program may meet. `docs/errors.md` lists the same codes; a test
 * compares the two. A code never changes its meaning; `status` is the HTTP status where the code can leave over HTTP.
 */
export const ERRORS = {
  ...REFUSED_ERRORS,
  ...MQTT_ERRORS,
  ...LOG_ERRORS,
  ...OPERATOR_ERRORS,
  ...PROCESS_ERRORS,
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** A broken world: thrown. Decide by `retriable` and `code`, never by the text. */
export class FieldgateError extends Error {
  readonly retriable: boolean;

  constructor(
    readonly code: ErrorCode,
    detail?: string,
    options?: ErrorOptions,
  ) {
    super(detail ?? ERRORS[code].says, options);
    this.name = 'FieldgateError';
    this.retriable = ERRORS[code].retriable;
  }
}

/** A bad message is data: returned, never thrown. A resend of the same bytes would be refused again. */
export interface Rejection {
  readonly kind: 'rejection';
  readonly code: ErrorCode;
  /** One sentence for the person who has to mend it; names the place, never holds the payload. */
  readonly detail: string;
}

export function reject(code: ErrorCode, detail: string = ERRORS[code].says): Rejection {
  return { kind: 'rejection', code, detail };
}

export function isRejection(value: unknown): value is Rejection {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'rejection';
}
