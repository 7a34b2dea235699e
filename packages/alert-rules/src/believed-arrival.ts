/** So far may the clock of a gateway be ahead of the clock of whoever judges what it has taken in. */
const MOST_AHEAD_MS = 5_000;

/**
 * The record as it counts for the rules. One that says it arrives more than 5 seconds later than it was read is of a gateway whose clock is
 * ahead: it counts as of when it was read, because everybody else would seem to be silent. Any other is returned itself. Epoch ms.
 */
export function believedArrival<R extends { readonly receivedMs: number }>(record: R, readMs: number): R {
  return record.receivedMs > readMs + MOST_AHEAD_MS ? { ...record, receivedMs: readMs } : record;
}
