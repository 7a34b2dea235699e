import { z } from 'zod';
import type { ApiClient } from './api-client.js';

const letterSchema = z.looseObject({
  id: z.string(),
  deviceId: z.string(),
  time: z.string(),
  code: z.string(),
  detail: z.string(),
  origin: z.looseObject({ kind: z.string(), topic: z.string() }),
});
const pageSchema = z.object({ deadLetters: z.array(letterSchema), next: z.string().optional() });
export type DeadLetter = z.output<typeof letterSchema>;

/** As the API takes them. */
export interface LetterFilters {
  readonly device?: string | undefined;
  readonly code?: string | undefined;
  readonly origin?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export interface LetterRange {
  /** `next` of an earlier answer. */
  readonly before?: string | undefined;
  /** How many at most; Infinity: all. */
  readonly limit: number;
}

/** What the API gives at once. */
const MOST_AT_ONCE = 1_000;

/** The newest first, page after page; `next` when there may be more behind the last one. A page may be short, or empty, and others follow. */
export async function readDeadLetters(
  api: ApiClient,
  filters: LetterFilters,
  { before, limit }: LetterRange,
): Promise<{ readonly deadLetters: readonly DeadLetter[]; readonly next?: string | undefined }> {
  const deadLetters: DeadLetter[] = [];
  let next = before;
  do {
    const query = { ...filters, before: next, limit: Math.min(limit - deadLetters.length, MOST_AT_ONCE) };
    const page = await api.get('/v1/dead-letters', pageSchema, query);
    deadLetters.push(...page.deadLetters);
    next = page.next;
  } while (next !== undefined && deadLetters.length < limit);
  return { deadLetters, next };
}
