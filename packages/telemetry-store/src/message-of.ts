/**
 * What an error says, on one line: DuckDB's messages go on with hints, and an error of several connection attempts says nothing itself. Looks at
 * the shape, because an error of Node's own need not be an `Error` of ours (another realm).
 */
export function messageOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  if ('errors' in error && Array.isArray(error.errors)) return error.errors.map(messageOf).join(', ');
  return 'message' in error ? (String(error.message).split('\n', 1)[0] ?? '') : 'unknown reason';
}
