import { expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';

const rules = await readFile(new URL('../ops/prometheus/alerts.yml', import.meta.url), 'utf8');
const operations = await readFile(new URL('../docs/operations.md', import.meta.url), 'utf8');

const alerts = [...rules.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name = '']) => name);

it('docs/operations.md has a section for every alert of Fieldgate itself, and for no other', () => {
  const sections = [...operations.matchAll(/^### (Fieldgate\w+)$/gm)].map(([, name]) => name);
  expect(alerts.length).toBeGreaterThan(10);
  expect(sections.toSorted()).toEqual(alerts.toSorted());
});

it('every alert points at its section', () => {
  const runbooks = [...rules.matchAll(/^ +runbook: '?docs\/operations\.md#(\w+)'?$/gm)].map(
    ([, anchor]) => anchor,
  );
  expect(runbooks).toEqual(alerts.map((name) => name.toLowerCase()));
});

it('the alerts ask only for metrics that exist', () => {
  const documented = new Set([...operations.matchAll(/^\| `(fieldgate_\w+)` +\|/gm)].map(([, name]) => name));
  const asked = new Set(rules.match(/fieldgate_\w+/g));
  const unknown = [...asked].filter((name) => !documented.has(name.replace(/_(bucket|count|sum)$/, '')));
  expect(unknown).toEqual([]);
});
