import { expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { atEndOfEachTest } from './support/at-end.js';
import { Deployment } from './support/deployment.js';

const operations = await readFile(new URL('../docs/operations.md', import.meta.url), 'utf8');
const atEnd = atEndOfEachTest();

it('docs/operations.md lists every check of /readyz, and no other', async () => {
  const [, table = ''] = /^\| check +\|.*\n\|[-| ]+\|\n((?:\|.*\n)+)/m.exec(operations) ?? [];
  const documented = [...table.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, name]) => name);
  const deployment = await Deployment.embedded(); // all roles, so all checks
  atEnd(() => deployment.stop());
  const response = await fetch(`${deployment.httpOf('operator-api')}/readyz`);
  const { checks } = (await response.json()) as { checks: Record<string, string> }; // docs/operations.md
  expect(Object.keys(checks).length).toBeGreaterThan(3);
  expect(documented.toSorted()).toEqual(Object.keys(checks).toSorted());
});
