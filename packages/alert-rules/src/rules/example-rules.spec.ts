import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import { isRejection } from '@fieldgate/contracts';
import { parseRules } from './rules-file.js';

const ROOT = new URL('../../../../', import.meta.url);

it('reads the example rules, which show every kind', async () => {
  const parsed = parseRules(await readFile(new URL('examples/rules.yaml', ROOT), 'utf8'));
  if (isRejection(parsed)) throw new Error(parsed.detail);
  expect(new Set(parsed.rules.map(({ kind }) => kind))).toEqual(
    new Set(['threshold', 'rate', 'absence', 'flapping']),
  );
});

it('reads every file that the documentation shows', async () => {
  const text = await readFile(new URL('docs/alerts.md', ROOT), 'utf8');
  const files = Array.from(text.matchAll(/```yaml\n(version: 1\n.*?)```/gs), ([, file = '']) => file);
  expect(files.length).toBeGreaterThan(0);
  expect(files.map(parseRules).filter(isRejection)).toEqual([]);
});
