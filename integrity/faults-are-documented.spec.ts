import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { ALL_CASES } from './faults/cases/all-cases.js';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const operations = read('docs/operations.md');
const errors = read('docs/errors.md');

const [, section = ''] = /^## Faults, one by one\n([^]*?)^## /m.exec(operations) ?? [];
const faults = section
  .split(/^### /m)
  .slice(1)
  .map((text) => {
    const [heading = '', ...lines] = text.trim().split('\n');
    const [, cases = ''] = /\((F[F\d, ]+)\)$/.exec(heading) ?? [];
    return { heading, cases: cases.split(', '), lines: lines.filter((line) => line !== '') };
  });

/** By its first cell; the names of the log lines stand there several in one. */
const rows = new Map(
  [...operations.matchAll(/^\|([^|\n]+)\|.*$/gm)].flatMap(([row, first = '']) =>
    namesIn(first).map((name): [string, string] => [name, row]),
  ),
);

/** Of the table of log lines. */
const LOGGED = /^\|[^|]+\| +(info|warn|error)/;

it('docs/operations.md has a part for every case of the fault bench, and for no other', () => {
  expect(faults.length).toBeGreaterThan(20);
  const named = faults.flatMap(({ cases }) => cases);
  expect(named.toSorted()).toEqual(ALL_CASES.map(({ name }): string => name).toSorted());
});

it.each(faults)('says what is seen, what it means and what to do: $heading', ({ lines }) => {
  expect(lines).toEqual([
    expect.stringMatching(/^- \*\*You see\*\* .{20}/),
    expect.stringMatching(/^- \*\*It means\*\* .{20}/),
    expect.stringMatching(/^- \*\*Do\*\* .{10}/),
  ]);
});

it.each(faults)(
  'names a metric and a line, or says that there is none: $heading',
  ({ lines: [seen = ''] }) => {
    const names = namesIn(seen);
    expect(names.filter(isMetric)).not.toEqual([]);
    if (!seen.includes('no line'))
      expect(names.filter((name) => LOGGED.test(rows.get(name) ?? ''))).not.toEqual([]);
  },
);

it.each(faults)('names only metrics, labels and lines that there are: $heading', ({ lines }) => {
  const names = lines.flatMap((line) => namesIn(line));
  expect(names.filter((name) => isMetric(name) && !isKnownMetric(name))).toEqual([]);
  expect(names.filter((name) => isLine(name) && !rows.has(name))).toEqual([]);
});

it('knows a metric, a label and a line that there are not', () => {
  expect(isKnownMetric('fieldgate_store_problem{reason="busy"}')).toBe(true);
  expect(isKnownMetric('fieldgate_store_problem{reason="tired"}')).toBe(false);
  expect(isKnownMetric('fieldgate_store_problem{kind="busy"}')).toBe(false);
  expect(isKnownMetric('fieldgate_store_trouble')).toBe(false);
  expect(rows.has('record refused')).toBe(true);
  expect(isLine('record thrown away') && rows.has('record thrown away')).toBe(false);
});

function namesIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
}

function isMetric(name: string): boolean {
  return name.startsWith('fieldgate_');
}

/** With one label at most; its value stands in the row of the metric, or is a code of an error. */
function isKnownMetric(name: string): boolean {
  const [, metric = '', label, value] = /^(\w+)(?:\{(\w+)="([^"]+)"\})?$/.exec(name) ?? [];
  const row = rows.get(metric);
  if (row === undefined || label === undefined) return row !== undefined;
  return row.includes(`\`${label}\``) && `${row}${errors}`.includes(`\`${value}\``);
}

/** What has a space is a line, or something to type. */
function isLine(name: string): boolean {
  return name.includes(' ') && !/^(npx|GET|ulimit) /.test(name);
}
