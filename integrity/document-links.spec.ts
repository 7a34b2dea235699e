import { expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['docs', 'examples', 'ops', 'packages/mqtt-edge'];

/** Not in a fresh clone: what programs make (.gitignore). */
const MADE = new Set(['.services', 'data', 'demo-data', 'node_modules', 'coverage']);
const FIRST = new Set(readdirSync(ROOT).filter((name) => !MADE.has(name)));
/** What the reader of docs/processors.md writes. */
const YOURS = /^processors\/src\/critical-events\//;

const documents = readdirSync(ROOT)
  .concat(
    FOLDERS.flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(folder, name),
      ),
    ),
  )
  .filter((file) => file.endsWith('.md') && !file.includes('node_modules'));

it('every link between the documents leads to a file, and to a heading of it', () => {
  expect(documents.length).toBeGreaterThan(20);
  expect(documents.flatMap((file) => deadLinks(file, read(file)))).toEqual([]);
});

it('every file that a document names by its path from the root exists', () => {
  expect(documents.flatMap((file) => missingFiles(file, read(file)))).toEqual([]);
  expect(missingFiles('x.md', 'see `gateway/src/gone.ts`, not `devices/pump-7/telemetry`')).toEqual([
    'x.md: gateway/src/gone.ts',
  ]);
});

it('every document of docs/ can be found from the README', () => {
  const reached = new Set(['README.md']);
  for (const file of reached)
    for (const { path } of linksIn(file, read(file)))
      if (path.endsWith('.md') && existsSync(join(ROOT, path))) reached.add(path);
  const pages = documents.filter((file) => /^docs\/[^/]+\.md$/.test(file));
  expect(pages.filter((page) => !reached.has(page))).toEqual([]);
});

it('the score of the edge in the README is the one of docs/mqtt-conformance.md', () => {
  const score = (broker: string): string | undefined =>
    new RegExp(`^\\| ${broker}.*\\|\\s*([\\d.]+) \\|$`, 'm').exec(read('docs/mqtt-conformance.md'))?.[1];
  expect(read('README.md')).toContain(`${score('this edge')} % of 1,110 [wire vectors]`);
  expect(read('README.md')).toContain(`(Mosquitto 2.0.11: ${score('Mosquitto 2.0.11')} %)`);
});

it('notices a link that leads nowhere', () => {
  const text =
    '[a](errors.md) [b](nowhere.md) [c](errors.md#the-log) [d](errors.md#the-logs) [e](#own)\n\n## Own';
  expect(deadLinks('docs/alerts.md', text)).toEqual([
    'docs/alerts.md: docs/nowhere.md',
    'docs/alerts.md: docs/errors.md#the-logs',
  ]);
});

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

function deadLinks(file: string, text: string): string[] {
  return linksIn(file, text)
    .filter(({ path, anchor }) => {
      if (!existsSync(join(ROOT, path))) return true;
      return anchor !== undefined && !anchorsOf(path === file ? text : read(path)).has(anchor);
    })
    .map(({ path, anchor }) => `${file}: ${path}${anchor === undefined ? '' : `#${anchor}`}`);
}

function missingFiles(file: string, text: string): string[] {
  const prose = text.replaceAll(/^```.*?^```/gms, '');
  return [...prose.matchAll(/`([\w.-]+\/[\w./-]*)`/g)]
    .map(([, path = '']) => path)
    .filter((path) => FIRST.has(path.split('/')[0] ?? '') && !YOURS.test(path))
    .filter((path) => !existsSync(join(ROOT, path)))
    .map((path) => `${file}: ${path}`);
}

/** Links and pictures outside of code, without those to other hosts; paths from the root. */
function linksIn(
  file: string,
  text: string,
): { readonly path: string; readonly anchor: string | undefined }[] {
  const prose = text.replaceAll(/^```.*?^```/gms, '').replaceAll(/`[^`\n]*`/g, '``');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#');
      return { path: path === '' ? file : join(dirname(file), path), anchor };
    });
}

/** As the hosts of repositories make them of headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = text.replaceAll(/^```.*?^```/gms, '').matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
