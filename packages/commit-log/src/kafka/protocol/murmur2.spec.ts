import { describe, expect, it } from '@jest/globals';
import { murmur2, partitionFor } from './murmur2.js';

describe('murmur2', () => {
  // the values of UtilsTest.testMurmur2 in Apache Kafka
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %s as the Java client does', (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  it('finds a partition without the sign bit', () => {
    expect(partitionFor(murmur2(Buffer.from('21')), 8)).toBe((-973932308 & 0x7fffffff) % 8);
  });
});
