import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';

const ROOT = new URL('../', import.meta.url);
/** Whatever stands between `node` and the program, in a shell's words or in an array. */
const OPTIONS = /(?:exec node |^ {2}node |\["node", )(.*?)"?cli\/dist\/fieldgate\.js/gm;
const OPTION = /--[\w-]+(?:=\d+)?/g;

async function optionsIn(file: string): Promise<string[]> {
  const text = await readFile(new URL(file, ROOT), 'utf8');
  return [...text.matchAll(OPTIONS)].map(([, options = '']) => (options.match(OPTION) ?? []).join(' '));
}

async function flagsIn(file: string): Promise<string> {
  const text = await readFile(new URL(file, ROOT), 'utf8');
  const flags = /NODE_FLAGS = \[([^\]]*)\]/.exec(text)?.[1] ?? '';
  return (flags.match(OPTION) ?? []).join(' ');
}

/** `npm run sim` is not measured, and has little to collect. */
it.each([
  ['package.json', 2],
  ['Dockerfile', 1],
  ['docs/operations.md', 3],
])('%s starts node with what the bench measures', async (file, count) => {
  const measured = await flagsIn('bench/src/systems/fieldgate.ts');
  expect(measured).toContain('--enable-source-maps');
  const given = (await optionsIn(file)).filter((options) => options !== '--enable-source-maps');
  expect(given).toEqual(Array.from({ length: count }, () => measured));
});

it('so do the integrity suites and the fault bench', async () => {
  expect(await flagsIn('integrity/support/fieldgate-process.ts')).toBe(
    await flagsIn('bench/src/systems/fieldgate.ts'),
  );
});
