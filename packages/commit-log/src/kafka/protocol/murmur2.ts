const SEED = 0x9747b28c;
const M = 0x5bd1e995;

/**
 * The hash of the Java client's default partitioner (`org.apache.kafka.common.utils.Utils.murmur2`), as a signed 32-bit number: whoever
 * else writes to or looks into our topics finds a key in the same partition.
 */
export function murmur2(key: Uint8Array): number {
  const length = key.length;
  let hash = SEED ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    let k =
      (key[at] ?? 0) | ((key[at + 1] ?? 0) << 8) | ((key[at + 2] ?? 0) << 16) | ((key[at + 3] ?? 0) << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    hash = Math.imul(hash, M) ^ Math.imul(k, M);
  }
  if (at < length) {
    for (let rest = length - at - 1; rest >= 0; rest--) hash ^= (key[at + rest] ?? 0) << (8 * rest);
    hash = Math.imul(hash, M);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  return hash ^ (hash >>> 15);
}

/** Java clears the sign bit instead of taking the absolute value. */
export function partitionFor(hash: number, partitions: number): number {
  return (hash & 0x7fffffff) % partitions;
}
