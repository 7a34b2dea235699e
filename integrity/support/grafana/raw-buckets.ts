import { expect } from '@jest/globals';
import type { Answer } from './answers.js';
import type { Seen } from './expectation.js';
import { keyOf, linesBy, rateOf, youngFrom } from './raw-counters.js';

/** What is drawn is what is calculated here, but for the order of additions, which may take a rank over the edge of a bucket. */
const NEARLY = 1e-9;

interface Bucket {
  /** Upper bound. */
  readonly le: number;
  readonly series: Answer;
}

/** A quantile that is drawn over time is at every moment what the samples of the raw buckets make of it, for each of its lines. */
export async function expectQuantiles(
  answer: Answer | undefined,
  {
    metric,
    by,
    quantile,
  }: { readonly metric: string; readonly by: readonly string[]; readonly quantile: number },
  { samples }: Pick<Seen, 'samples'>,
): Promise<void> {
  const buckets = await samples(`${metric}_bucket`);
  const lines = linesOf(buckets, by);
  const end = youngFrom(buckets);
  for (const series of answer ?? []) {
    const line = lines.get(keyOf(series, by)) ?? [];
    const wrong = series.rows.filter(([at, shown]) => {
      if (Number(at) > end) return false;
      const least = quantileAt(line, Number(at), quantile * (1 - NEARLY)) ?? Number.NaN;
      const most = quantileAt(line, Number(at), quantile * (1 + NEARLY)) ?? Number.NaN;
      return !(Number(shown) >= least * (1 - NEARLY) && Number(shown) <= most * (1 + NEARLY));
    });
    expect({ key: keyOf(series, by), wrong }).toEqual({ key: keyOf(series, by), wrong: [] });
  }
  const active = [...lines].filter(([, line]) => isActive(line)).map(([key]) => key);
  expect(active).not.toEqual([]);
  expect((answer ?? []).map((series) => keyOf(series, by)).toSorted()).toEqual(active.toSorted());
}

function linesOf(buckets: Answer, by: readonly string[]): Map<string, Bucket[]> {
  const bound = ({ labels }: Answer[number]): number => Number(labels['le']?.replace('+Inf', 'Infinity'));
  const sorted = (line: Answer): Bucket[] =>
    [...linesBy(line, bound)].map(([le, series]) => ({ le, series })).toSorted((a, b) => a.le - b.le);
  const lines = linesBy(buckets, (series) => keyOf(series, by));
  return new Map([...lines].map(([key, line]) => [key, sorted(line)]));
}

/** Within the bucket in which it lies all values are taken as spread evenly; beyond the last bound nothing is known. */
function quantileAt(line: readonly Bucket[], at: number, quantile: number): number | undefined {
  let most = 0; // rates are extrapolated bucket by bucket: a wider one may seem to have risen by less
  const rates = line.map(({ le, series }) => ({ le, rate: (most = Math.max(most, rateOf(series, at))) }));
  const rank = quantile * most;
  if (!(rank > 0)) return undefined;
  const index = rates.findIndex(({ rate, le }) => rate >= rank || le === Infinity);
  const [below, bucket] = [rates[index - 1] ?? { le: 0, rate: 0 }, rates[index]];
  if (!bucket || bucket.le === Infinity) return below.le;
  return below.le + ((bucket.le - below.le) * (rank - below.rate)) / (bucket.rate - below.rate);
}

function isActive(line: readonly Bucket[]): boolean {
  const rows = line.at(-1)?.series.flatMap((series) => series.rows.map(([, count]) => Number(count))) ?? [];
  return Math.max(...rows) > Math.min(...rows);
}
