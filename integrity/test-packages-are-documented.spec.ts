import { expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';

const root = new URL('../', import.meta.url);

it('ops/services/README.md names every system package that CI installs', async () => {
  const ci = await readFile(new URL('.ci/run', root), 'utf8');
  const [, section = ''] =
    /^## For tests\n(.*)/ms.exec(await readFile(new URL('ops/services/README.md', root), 'utf8')) ?? [];
  const [, block = ''] = /```sh\napt-get install (.*?)```/s.exec(section) ?? [];
  const installed = [...ci.matchAll(/apt-get install -y [^\n]*?--no-install-recommends ([^\n>]*)/g)]
    .flatMap(([, packages = '']) => packages.trim().split(/\s+/))
    .filter((name) => !name.includes('jre')); // whichever Java there is
  expect(installed.length).toBeGreaterThan(5);
  const named = new Set(block.split(/[\s\\]+/));
  expect(installed.filter((name) => !named.has(name))).toEqual([]);
});
