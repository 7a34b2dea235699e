import { FieldgateError } from '@fieldgate/contracts';

/** Why nothing can be written: the label of a metric, so these are all. */
export const PROBLEMS = ['unreachable', 'credentials', 'database', 'busy', 'error'] as const;
export type ProblemKind = (typeof PROBLEMS)[number];

/** What a store says that is there, but does not store: nothing of the batch is to be given up. */
export class StoreProblem extends FieldgateError {
  constructor(
    readonly kind: ProblemKind,
    detail: string,
    /** How long it wants to be left alone. */
    readonly retryAfterMs = 0,
  ) {
    super('store-unavailable', detail);
  }
}

export function kindOf(status: number): ProblemKind {
  if (status === 401 || status === 403) return 'credentials';
  if (status === 404) return 'database';
  return status === 429 || status === 503 ? 'busy' : 'error';
}

/** A server that asks for more is asked again all the same. */
const MOST_MS = 5 * 60_000;

/** `Retry-After`, RFC 9110 section 10.2.3: seconds, or a date. 0 for none, and for one that is neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0;
  const asked = /^\s*\d+\s*$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - nowMs;
  return Number.isNaN(asked) ? 0 : Math.min(Math.max(asked, 0), MOST_MS);
}
