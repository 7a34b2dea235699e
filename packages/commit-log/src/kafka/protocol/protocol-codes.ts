import { FieldgateError } from '@fieldgate/contracts';
import { protocolErrors, protocolErrorsCodesById } from '@platformatic/kafka';

export const NO_ERROR = 0;
export const OFFSET_OUT_OF_RANGE = 1;

/** Codes that a resend of the same records would meet again: MESSAGE_TOO_LARGE, RECORD_LIST_TOO_LARGE, INVALID_TIMESTAMP, UNSUPPORTED_FOR_MESSAGE_FORMAT, INVALID_RECORD. */
const REFUSALS: ReadonlySet<number> = new Set([10, 18, 32, 43, 87]);

export function isRefusal(code: number): boolean {
  return REFUSALS.has(code);
}

/** The protocol's own name, for logs and error details. */
export function codeName(code: number): string {
  const names: Readonly<Record<string, string | undefined>> = protocolErrorsCodesById;
  return names[String(code)] ?? `error ${code}`;
}

export function codeMessage(code: number): string {
  const name = codeName(code);
  const known: Readonly<Record<string, { readonly message: string } | undefined>> = protocolErrors;
  return known[name]?.message ?? name;
}

export function unavailable(detail: string, cause?: unknown): FieldgateError {
  return new FieldgateError('log-unavailable', detail, cause === undefined ? undefined : { cause });
}

/** The sentence of an error, with what lies at its bottom: "no broker answers (connect ECONNREFUSED 127.0.0.1:9092)". */
export function reasonOf(error: unknown): string {
  if (!hasMessage(error)) return String(error);
  let bottom = error;
  while (hasMessage(bottom.cause)) bottom = bottom.cause;
  return bottom === error ? error.message : `${error.message} (${bottom.message})`;
}

/** By its shape: errors of Node's own may come from another realm, and are then no instance of our Error. */
function hasMessage(error: unknown): error is { readonly message: string; readonly cause?: unknown } {
  return (
    typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string'
  );
}
