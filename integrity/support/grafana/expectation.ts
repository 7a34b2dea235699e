import { expect } from '@jest/globals';
import type { Answer, Series } from './answers.js';

/** What there is beside the answers: which log, and the values of a metric over the same range, which a panel must have been made of. */
export interface Seen {
  readonly log: 'kafka' | 'embedded';
  /** Of the first reading, by the clock of the devices. */
  readonly startMs: number;
  readonly launchedMs: readonly [earliest: number, latest: number];
  readonly askedMs: number;
  readonly raw: (selector: string) => Promise<Answer>;
  /** The same when they were scraped. */
  readonly samples: (selector: string) => Promise<Answer>;
}

/** What a panel must show once the fleet has played: answers by `refId`, in the order of the targets. Throws when they are otherwise. */
export type Expectation = (answers: readonly Answer[], seen: Seen) => void | Promise<void>;

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
