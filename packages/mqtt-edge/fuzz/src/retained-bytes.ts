/** Bytes of buffers and characters of strings that a value keeps alive, each counted once. */
export function retainedBytes(value: unknown): number {
  const seen = new Set<unknown>();
  const open: unknown[] = [value];
  let bytes = 0;
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next === 'string') bytes += next.length;
    if (typeof next !== 'object' || next === null || seen.has(next)) continue;
    seen.add(next);
    if (ArrayBuffer.isView(next)) open.push(next.buffer);
    else if (next instanceof ArrayBuffer) bytes += next.byteLength;
    else open.push(...Object.values(next));
  }
  return bytes;
}
