import type { Input } from './input.js';

/** For a person: what the decoder is told, how the stream was made, and its bytes. */
export function describeInput({ options, mutations, chunks, readsLate, changedFrom }: Input): string {
  const told = Object.entries(options).map(([name, value]) => `${name} ${String(value)}`);
  const bytes = chunks.map((chunk) => chunk.toString('hex')).filter((hex) => hex !== '');
  return [
    `decoder: ${told.join(', ')}${readsLate ? '; all chunks are written before the first is read' : ''}`,
    `${Number.isFinite(changedFrom) ? `changed from byte ${changedFrom} on` : 'changed nothing'}: ${mutations.join(', ')}`,
    `bytes, by chunks: ${bytes.join(' ') || 'none, the stream was cut to nothing'}`,
  ].join('\n');
}
