import { expect } from '@jest/globals';
import type { Answer } from './answers.js';
import type { Seen } from './expectation.js';

const TOLERANCE = 0.1;
/** From the first to the last of the samples that a rate over 4 s is made of, scraped every second. */
const WINDOW_MS = 3_000;

interface Bucket {
  /** Upper bound. */
  readonly le: number;
  /** By time: so many were below it until then. */
  readonly counts: ReadonlyMap<number, number>;
}

/** A quantile that is drawn over time is what the raw buckets make of it, for each of its lines, on average over the range. */
export async function expectQuantiles(
  answer: Answer | undefined,
  {
    metric,
    by,
    quantile,
  }: { readonly metric: string; readonly by: readonly string[]; readonly quantile: number },
  { raw }: Seen,
): Promise<void> {
  const lines = linesOf(await raw(`${metric}_bucket`), by);
  for (const { labels, rows } of answer ?? []) {
    const key = by.map((label) => labels[label] ?? '').join(' ');
    const buckets = lines.get(key) ?? [];
    const pairs = rows.flatMap(([at, shown]) => {
      const expected = quantileAt(buckets, Number(at), quantile);
      return expected === undefined ? [] : [{ expected, shown: Number(shown) }];
    });
    const [expected, shown] = [
      mean(pairs.map((pair) => pair.expected)),
      mean(pairs.map((pair) => pair.shown)),
    ];
    const isRight = Math.abs(shown - expected) <= expected * TOLERANCE;
    expect({ key, expected, shown, isRight }).toEqual({ key, expected, shown, isRight: true });
  }
  const active = [...lines].filter(([, buckets]) => isActive(buckets)).map(([key]) => key);
  const drawn = (answer ?? []).map(({ labels }) => by.map((label) => labels[label] ?? '').join(' '));
  expect(active).not.toEqual([]);
  expect(drawn.toSorted()).toEqual(active.toSorted());
}

function linesOf(samples: Answer, by: readonly string[]): Map<string, Bucket[]> {
  const lines = new Map<string, Map<number, Map<number, number>>>();
  for (const { labels, rows } of samples) {
    const key = by.map((label) => labels[label] ?? '').join(' ');
    const le = Number(labels['le']?.replace('+Inf', 'Infinity'));
    const buckets = lines.get(key) ?? new Map<number, Map<number, number>>();
    const counts = buckets.get(le) ?? new Map<number, number>();
    for (const [at, count] of rows) counts.set(Number(at), (counts.get(Number(at)) ?? 0) + Number(count));
    lines.set(key, buckets.set(le, counts));
  }
  const sorted = (buckets: Map<number, Map<number, number>>): Bucket[] =>
    [...buckets].map(([le, counts]) => ({ le, counts })).toSorted((a, b) => a.le - b.le);
  return new Map([...lines].map(([key, buckets]) => [key, sorted(buckets)]));
}

/** Within the bucket in which it lies all values are taken as spread evenly; beyond the last bound nothing is known. */
function quantileAt(buckets: readonly Bucket[], at: number, quantile: number): number | undefined {
  const risen = buckets.map(({ le, counts }) => ({
    le,
    count: (counts.get(at) ?? Number.NaN) - (counts.get(at - WINDOW_MS) ?? Number.NaN),
  }));
  const rank = quantile * (risen.at(-1)?.count ?? Number.NaN);
  if (!(rank > 0)) return undefined;
  const index = risen.findIndex(({ count }) => count >= rank);
  const [below, bucket] = [risen[index - 1] ?? { le: 0, count: 0 }, risen[index]];
  if (!bucket || bucket.le === Infinity) return below.le;
  return below.le + ((bucket.le - below.le) * (rank - below.count)) / (bucket.count - below.count);
}

function isActive(buckets: readonly Bucket[]): boolean {
  const counts = [...(buckets.at(-1)?.counts.values() ?? [])];
  return Number(counts.at(-1)) > Number(counts[0]);
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
