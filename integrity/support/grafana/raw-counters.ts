import { expect } from '@jest/globals';
import type { Answer, Series } from './answers.js';
import type { Seen } from './expectation.js';
import { rateAt } from './rate-at.js';

/** What is drawn is what is calculated here, but for the order of additions. */
const DIGITS = 9;
/** Samples as young as this may have come between two questions. */
const YOUNG_MS = 3_000;

export interface Counted {
  /** The selector of the raw counter. */
  readonly counter: string;
  /** What the panel tells apart. */
  readonly by: readonly string[];
  /** By how much it has risen since the range began, by the values of `by`; `some` where nobody counted along. */
  readonly risen: Readonly<Record<string, number | 'some'>>;
}

/**
 * Rates per second are at every second what the samples of the raw counter make, for each of its series; and over the range it has risen
 * by what was done. What is not named in `risen` has not risen.
 */
export async function expectRates(
  answer: Answer | undefined,
  { counter, by, risen }: Counted,
  seen: Seen,
): Promise<void> {
  const counters = await risenBy({ counter, by }, seen);
  for (const [key, expected] of Object.entries(risen)) {
    const { [key]: counted } = counters;
    if (expected === 'some') expect({ key, hasRisen: Number(counted) > 0 }).toEqual({ key, hasRisen: true });
    else expect({ key, counted }).toEqual({ key, counted: expected });
  }
  for (const [key, counted] of Object.entries(counters))
    if (!(key in risen)) expect({ key, counted }).toEqual({ key, counted: 0 });
  await expectDrawnRates(answer, { counter, by }, seen);
}

/** A line for each of what the panel tells apart, and at every moment the rate of the samples. */
export async function expectDrawnRates(
  answer: Answer | undefined,
  { counter, by }: Pick<Counted, 'counter' | 'by'>,
  { samples }: Pick<Seen, 'samples'>,
): Promise<void> {
  const lines = linesBy(await samples(counter), (series) => keyOf(series, by));
  const drawn = (answer ?? []).map((series) => keyOf(series, by));
  expect(drawn.toSorted()).toEqual([...lines.keys()].toSorted());
  const end = youngFrom([...lines.values()].flat());
  for (const series of answer ?? []) {
    const key = keyOf(series, by);
    const shown = series.rows.filter(([at]) => Number(at) <= end);
    expect({ key, points: shown.length > 0 }).toEqual({ key, points: true });
    const expected = shown.map(([at]) => [at, rounded(rateOf(lines.get(key) ?? [], Number(at)))]);
    expect({ key, rates: shown.map(([at, rate]) => [at, rounded(Number(rate))]) }).toEqual({
      key,
      rates: expected,
    });
  }
}

/** By how much the raw counter has risen over the range. */
export async function risenBy(
  { counter, by }: Pick<Counted, 'counter' | 'by'>,
  { raw }: Pick<Seen, 'raw'>,
): Promise<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const series of await raw(counter)) {
    const key = keyOf(series, by);
    values[key] = (values[key] ?? 0) + Number(series.rows.at(-1)?.[1]) - Number(series.rows[0]?.[1]); // one that began within the range began at its first sample
  }
  return values;
}

/** There is a line, it lies on 0 all the time, and so does the raw counter. */
export async function expectNothing(
  answer: Answer | undefined,
  counter: string,
  by: string,
  seen: Seen,
): Promise<void> {
  expect(answer).not.toEqual([]);
  await expectRates(answer, { counter, by: [by], risen: {} }, seen);
}

/** A line for each of what the panel tells apart, which is at every moment the sum, or the greatest, of the raw ones. */
export async function expectSame(
  answer: Answer | undefined,
  { gauge, by, is }: { readonly gauge: string; readonly by: readonly string[]; readonly is: 'sum' | 'max' },
  { raw }: Seen,
): Promise<void> {
  const points = new Map<string, number>();
  const samples = await raw(gauge);
  const end = youngFrom(samples);
  for (const series of samples)
    for (const [at, value] of series.rows) {
      const key = `${keyOf(series, by)} at ${Number(at)}`;
      const before = points.get(key);
      if (before === undefined) points.set(key, Number(value));
      else points.set(key, is === 'sum' ? before + Number(value) : Math.max(before, Number(value)));
    }
  const shown = (answer ?? []).flatMap((series) =>
    series.rows.map(([at, value]) => [`${keyOf(series, by)} at ${Number(at)}`, value] as const),
  );
  const old = ([key]: readonly [string, unknown]): boolean => Number(key.split(' at ').at(-1)) <= end;
  expect(shown.filter(old).length).toBeGreaterThan(0);
  expect(Object.fromEntries(shown.filter(old))).toEqual(Object.fromEntries([...points].filter(old)));
}

/** Of several series together: that of those that have one. */
export function rateOf(lines: Answer, at: number): number {
  return lines.reduce((total, { rows }) => total + (rateAt(rows, at) ?? 0), 0);
}

export function linesBy<K>(answer: Answer, key: (series: Series) => K): Map<K, Series[]> {
  const lines = new Map<K, Series[]>();
  for (const series of answer) lines.set(key(series), (lines.get(key(series)) ?? []).concat(series));
  return lines;
}

export function youngFrom(samples: Answer): number {
  return Math.max(...samples.flatMap(({ rows }) => rows.map(([at]) => Number(at)))) - YOUNG_MS;
}

function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS));
}

export function keyOf({ labels }: Series, by: readonly string[]): string {
  return by.map((label) => labels[label] ?? '').join(' ');
}
