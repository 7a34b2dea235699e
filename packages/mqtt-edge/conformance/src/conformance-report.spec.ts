import { expect, it } from '@jest/globals';
import { conformanceReport } from './conformance-report.js';
import { labelOf, type Deviation } from './deviations.js';
import { markdownTable } from './markdown-table.js';
import type { CaseResult } from './run-vectors.js';
import { readStatements } from './statements.js';

const WRONG: CaseResult = {
  file: 'PUBLISH.json',
  group: 'v5.0   PUBLISH',
  name: 'control character',
  version: 5,
  packetType: 'PUBLISH',
  score: 'wrong',
  exact: false,
  got: 'silent',
  expected: 'closed',
};
const PASSED: CaseResult = {
  ...WRONG,
  name: 'ordinary',
  score: 'passed',
  exact: true,
  got: '',
  expected: '',
};
const TOTALS = { total: 2, passed: 1, closedOther: 0, wrong: 1, crash: 0 };
const DEVIATION: Deviation = {
  title: 'Control characters are let through',
  reason: 'The standard leaves it open.',
  cases: [labelOf(WRONG)],
};

it('gives each case that is not passed under its reason', () => {
  const text = written([DEVIATION]);
  expect(text).toContain('### Control characters are let through\n\nThe standard leaves it open.\n\n');
  expect(text).toContain('- `PUBLISH.json › v5.0 PUBLISH › control character`: silent instead of closed');
  expect(text).not.toContain('Without a reason');
});

it('says how many of the passed cases are exact', () => {
  const inOtherWords = { ...PASSED, name: 'in other words', exact: false };
  expect(written([DEVIATION], undefined, [WRONG, PASSED, inOtherWords])).toContain(
    'Of the 2 that this edge has passed, 1 are what the data expects byte for byte.',
  );
});

it('names the cases that have no reason yet', () => {
  expect(written([])).toContain(
    '### Without a reason\n\n- `PUBLISH.json › v5.0 PUBLISH › control character`',
  );
});

it('has a row for each broker, and for each packet, with what others pass of it', () => {
  const text = written([DEVIATION]).replaceAll(/ +/g, ' ');
  expect(text).toContain('| this edge, in the lab broker | 2 | 1 | 0 | 1 | 0 | 50 |');
  expect(text).toContain('| PUBLISH | 2 | 1 | 0 | 1 | 2 |');
  expect(text).toContain('- another: with a note.');
  expect(text).toContain('| another | 2 | 1 | 0 | 1 | 0 | 50 |');
});

it('says where the gateway is another server than the lab broker, why, and what shows it', () => {
  expect(written([])).toContain(
    '### Nothing is kept\n\nBy design.\n\nShown by `a.spec.ts › keeps`.\n\nConcerns MQTT-1.5.4-1.',
  );
});

it('has every statement in one table', () => {
  const text = written([]);
  for (const { id } of readStatements()) expect(text.split(`| ${id} `)).toHaveLength(2);
});

it('says of a statement where it is obeyed and what shows it, or why not', () => {
  const text = written(
    [],
    [
      { id: 'MQTT-1.5.4-1', concerns: 'both', says: 'One.', file: 'a.ts', test: 'a.spec.ts › one', why: '' },
      { id: 'MQTT-1.5.4-2', concerns: 'server', says: 'Two.', file: '', test: '', why: 'There is none.' },
      { id: 'MQTT-1.5.4-3', concerns: 'client', says: 'Three.' },
    ],
  ).replaceAll(/ +/g, ' ');
  expect(text).toContain('| MQTT-1.5.4-1 | One. | `a.ts` | `a.spec.ts › one` |');
  expect(text).toContain('| MQTT-1.5.4-2 | Two. | not here | There is none. |');
  expect(text).toContain('| MQTT-1.5.4-3 | Three. | the client | |');
  expect(text).toContain('2 concern a server: 1 are obeyed and tested, 1 have a reason why not.');
});

it('writes tables as the formatter does', () => {
  expect(
    markdownTable(
      ['name', 'n'],
      [
        ['a|b', 1],
        ['c', 20],
      ],
    ),
  ).toBe(['| name |   n |', '| ---- | --: |', '| a\\|b |   1 |', '| c    |  20 |'].join('\n'));
});

function written(
  deviations: readonly Deviation[],
  statements = readStatements(),
  cases: readonly CaseResult[] = [WRONG, PASSED],
): string {
  const report = {
    cases,
    totals: TOTALS,
    byFile: { 'PUBLISH.json': TOTALS },
    byPacketType: { PUBLISH: TOTALS },
  };
  return conformanceReport({
    report,
    statements,
    deviations,
    differences: [
      {
        title: 'Nothing is kept',
        reason: 'By design.',
        test: 'a.spec.ts › keeps',
        statements: ['MQTT-1.5.4-1'],
      },
    ],
    others: [
      {
        broker: 'another',
        note: 'with a note',
        totals: TOTALS,
        byPacketType: { PUBLISH: { ...TOTALS, passed: 2 } },
      },
    ],
  });
}
