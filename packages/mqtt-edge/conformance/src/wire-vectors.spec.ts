import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { LabServer } from '../../lab-broker/src/lab-server.js';
import { conformancePage, PAGE } from './conformance-page.js';
import { labelOf, readDeviations, unexplained } from './deviations.js';
import { runVectors, type VectorReport } from './run-vectors.js';

const DATA = fileURLToPath(new URL('../data', import.meta.url));

const lab = new LabServer({ host: '127.0.0.1', port: 0 });
let report: VectorReport;

beforeAll(async () => {
  report = await runVectors({
    host: '127.0.0.1',
    port: await lab.start(),
    folder: DATA,
    parallel: 32,
    timeoutMs: 2_000, // only cases that fail wait for so long
    log: (line) => console.error(line),
  });
}, 60_000);
afterAll(() => lab.stop());

it('plays every case of the data', () => {
  expect(report.cases).toHaveLength(1_110);
});

it('passes every case that has no reason not to', () => {
  const { withoutReason } = unexplained(report.cases, readDeviations());
  const told = report.cases.filter((result) => withoutReason.includes(labelOf(result)));
  expect(told).toEqual([]);
});

it('does not pass a case that is listed as a deviation', () => {
  expect(unexplained(report.cases, readDeviations()).passedAnyway).toEqual([]);
});

it('passes at least 95 %, is wrong in at most 2 %, and is never ended', () => {
  const { total, passed, wrong, crash } = report.totals;
  expect(passed / total).toBeGreaterThanOrEqual(0.95);
  expect(wrong / total).toBeLessThanOrEqual(0.02);
  expect(crash).toBe(0);
});

it('finds its page up to date: npm run conformance writes it', async () => {
  expect(await readFile(PAGE, 'utf8')).toBe(conformancePage(report));
});
