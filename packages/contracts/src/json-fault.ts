/** Values nested deeper than this are not carried on: whoever reads a record need not be able to. */
export const MAX_JSON_DEPTH = 64;

/**
 * What of a value that came as JSON cannot go on as JSON, though it was parsed: a number out of range (1e400 would become null), or more nesting
 * than `maxDepth`, on which `JSON.stringify` would run out of stack.
 */
export function jsonFault(value: unknown, maxDepth = MAX_JSON_DEPTH): 'too-deep' | 'not-finite' | undefined {
  const open: { value: unknown; depth: number }[] = [{ value, depth: 0 }]; // a stack of our own: 10,000 levels must not end the process
  for (let next = open.pop(); next; next = open.pop()) {
    const { value: each, depth } = next;
    if (typeof each === 'number' && !Number.isFinite(each)) return 'not-finite';
    if (typeof each !== 'object' || each === null) continue;
    if (depth >= maxDepth) return 'too-deep';
    for (const child of Object.values(each)) open.push({ value: child, depth: depth + 1 });
  }
  return undefined;
}
