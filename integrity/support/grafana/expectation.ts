import { expect } from '@jest/globals';
import type { Answer, Series } from './answers.js';

/** What a panel must show once the fleet has played: answers by `refId`, in the order of the targets. Throws when they are otherwise. */
export type Expectation = (answers: readonly Answer[], log: 'kafka' | 'embedded') => void;

/** The newest value of each series, by a label. */
export function newestBy(answer: Answer | undefined, label: string): Record<string, number> {
  return Object.fromEntries((answer ?? []).map((series) => [series.labels[label] ?? '', newest(series)]));
}

export function newest(series: Series | undefined): number {
  return Number(series?.rows.at(-1)?.[1] ?? Number.NaN);
}

/** The one value of an instant query without labels. */
export function only(answer: Answer | undefined): number {
  expect(answer).toHaveLength(1);
  return newest(answer?.[0]);
}

/** Rows of a table as objects. */
export function rowsOf(answer: Answer | undefined): Record<string, unknown>[] {
  return (answer ?? []).flatMap(({ columns, rows }) =>
    rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]]))),
  );
}

/** Values of one column of InfluxDB, without the empty ones. */
export function column(answer: Answer | undefined, name: string): unknown[] {
  return rowsOf(answer).flatMap((row) => (row[name] === null || row[name] === undefined ? [] : [row[name]]));
}

export function sum(values: readonly unknown[]): number {
  return values.reduce<number>((total, value) => total + Number(value), 0);
}

/** A rate per second, over steps of a second, adds up to the count; Prometheus extrapolates at the ends, and so it is not exact. */
export function countBy(answer: Answer | undefined, label: string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { labels, rows } of answer ?? []) {
    const key = labels[label] ?? '';
    counts[key] = (counts[key] ?? 0) + sum(rows.map(([, value]) => value));
  }
  return counts;
}

export function expectAbout(count: number | undefined, expected: number): void {
  expect(count).toBeGreaterThan(expected * 0.5);
  expect(count).toBeLessThan(expected * 1.6);
}

/** These series are there, all of their values are 0 or more, and together they have risen. */
export function expectRisen(answer: Answer | undefined, label: string, names: readonly string[]): void {
  const counts = countBy(answer, label);
  expect(Object.keys(counts)).toEqual(expect.arrayContaining([...names]));
  for (const name of names) expect([name, counts[name]]).toEqual([name, expect.any(Number)]);
  expect(sum(names.map((name) => counts[name]))).toBeGreaterThan(0);
}

/** There is a line, and it lies on 0 all the time. */
export function expectNothing(answer: Answer | undefined): void {
  expect(answer).not.toEqual([]);
  for (const { rows } of answer ?? []) expect(rows.filter(([, value]) => value !== 0)).toEqual([]);
}
