import { expect } from '@jest/globals';
import type { Answer, Series } from './answers.js';
import type { Seen } from './expectation.js';

/** How far what is drawn may be from what was counted: Prometheus extrapolates to the ends of each window, and scrapes are not quite regular. */
const TOLERANCE = 0.1;
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
 * Rates per second, drawn at every second, add up to what the raw counter has risen by over the same range, for each of its series; and
 * that is what was done. What is not named in `risen` has not risen.
 */
export async function expectRates(
  answer: Answer | undefined,
  counted: Counted,
  { raw }: Seen,
): Promise<void> {
  const { drawn, risen: counters } = await drawnAndRisen(answer, counted, raw);
  expect(Object.keys(drawn).toSorted()).toEqual(Object.keys(counters).toSorted());
  for (const [key, expected] of Object.entries(counted.risen)) {
    const risen = counters[key];
    if (expected === 'some') expect({ key, hasRisen: Number(risen) > 0 }).toEqual({ key, hasRisen: true });
    else expect({ key, risen }).toEqual({ key, risen: expected });
  }
  for (const [key, risen] of Object.entries(counters)) {
    if (!(key in counted.risen)) expect({ key, risen }).toEqual({ key, risen: 0 });
    const [least, most] = [risen * (1 - TOLERANCE), risen * (1 + TOLERANCE)];
    const { [key]: shown = Number.NaN } = drawn;
    const isRight = shown >= least && shown <= most;
    expect({ key, risen, shown, isRight }).toEqual({ key, risen, shown, isRight: true });
  }
}

/** What a panel draws, added up over the range, and by how much the raw counter has risen in it. */
export async function drawnAndRisen(
  answer: Answer | undefined,
  { counter, by }: Pick<Counted, 'counter' | 'by'>,
  raw: Seen['raw'],
): Promise<Record<'drawn' | 'risen', Record<string, number>>> {
  const total = ({ rows }: Series): number =>
    rows.slice(1).reduce((sum, [, value]) => sum + Number(value), 0); // the first one is of what was before
  return { drawn: byKey(answer, by, total), risen: byKey(await raw(counter), by, risenBy) };
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
  const end = Math.max(...samples.flatMap(({ rows }) => rows.map(([at]) => Number(at)))) - YOUNG_MS;
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

/** A counter that began within the range began at its first sample. */
function risenBy({ rows }: Series): number {
  return Number(rows.at(-1)?.[1]) - Number(rows[0]?.[1]);
}

function byKey(
  answer: Answer | undefined,
  by: readonly string[],
  valueOf: (series: Series) => number,
): Record<string, number> {
  const values: Record<string, number> = {};
  for (const series of answer ?? []) {
    const key = keyOf(series, by);
    values[key] = (values[key] ?? 0) + valueOf(series);
  }
  return values;
}

function keyOf({ labels }: Series, by: readonly string[]): string {
  return by.map((label) => labels[label] ?? '').join(' ');
}
