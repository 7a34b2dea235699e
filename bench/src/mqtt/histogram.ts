const BUCKETS_PER_DOUBLING = 64;
const BUCKETS = 2_048;

/** Milliseconds in logarithmic buckets: 1 % of resolution from a microsecond to an hour, in 8 KB. */
export class Histogram {
  private readonly buckets = new Uint32Array(BUCKETS);
  count = 0;

  add(ms: number): void {
    const bucket = Math.floor(Math.log2(Math.max(1, ms * 1000)) * BUCKETS_PER_DOUBLING);
    const index = Math.min(BUCKETS - 1, bucket);
    this.buckets[index] = (this.buckets[index] ?? 0) + 1;
    this.count += 1;
  }

  quantile(p: number): number {
    let seen = 0;
    for (let index = 0; index < BUCKETS; index += 1) {
      seen += this.buckets[index] ?? 0;
      if (seen > 0 && seen >= this.count * p) return 2 ** ((index + 0.5) / BUCKETS_PER_DOUBLING) / 1000;
    }
    return Number.NaN;
  }
}
