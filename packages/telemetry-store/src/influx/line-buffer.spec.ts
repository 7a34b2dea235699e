import { describe, expect, it } from '@jest/globals';
import { LineBuffer } from './line-buffer.js';

describe('the lines of a batch', () => {
  it('are the bytes that were added, whatever part of them is asked for', () => {
    const texts = Array.from({ length: 300 }, (_, n) => `telemetry text="${'ü€𝄞x'.repeat(n)}" ${n}\n`);
    const lines = new LineBuffer();
    for (const [index, text] of texts.entries()) lines.add(index + 5, { text, points: 2 });
    const { pieces } = lines;
    expect(String(lines.bytesOf(pieces))).toBe(texts.join(''));
    expect(String(lines.bytesOf(pieces.slice(17, 19)))).toBe(texts.slice(17, 19).join(''));
    expect(lines.bytesOf([])).toHaveLength(0);
    expect(pieces.map(({ index, points }) => [index, points])).toEqual(texts.map((_, n) => [n + 5, 2]));
  });
});
