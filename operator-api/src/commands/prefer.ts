export const MAX_WAIT_SECONDS = 60;

/** The seconds of `Prefer: wait=N` (RFC 7240, section 4.3), at most 60; what is not understood is ignored (section 2). */
export function preferredWait(header: string | string[] | undefined): number {
  const preferences = [header ?? []].flat().join(',').split(',');
  for (const preference of preferences) {
    const wait = /^\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:;.*)?$/i.exec(preference)?.[1];
    if (wait !== undefined) return Math.min(Number(wait), MAX_WAIT_SECONDS); // the first one counts (section 2)
  }
  return 0;
}
