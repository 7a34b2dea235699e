import { expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { register } from 'prom-client';

const ROOT = new URL('../../', import.meta.url);

/** `/metrics` of a process shows what its modules have registered; here all of them are loaded, also those of adapters that are not in use. */
for (const file of filesThatCount()) await import(file);
const registered = register.getMetricsAsArray().filter(({ name }) => name.startsWith('fieldgate_'));

const documentation = readFileSync(new URL('docs/operations.md', ROOT), 'utf8');

/** Rows that begin with a metric: its name, and the names in the cell of its labels. */
const documented = new Map(
  [...documentation.matchAll(/^\| `(fieldgate_\w+)` +\|([^|]*)\|/gm)].map(
    ([, name = '', labels = '']): [string, string[]] => [
      name,
      [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label),
    ],
  ),
);

it('docs/operations.md lists every metric that is registered, and no other', () => {
  expect(registered.length).toBeGreaterThan(20);
  expect([...documented.keys()].toSorted()).toEqual(registered.map(({ name }) => name).toSorted());
});

it('docs/operations.md tells the labels of every metric', () => {
  const labels = registered.map((metric) => [metric.name, labelsOf(metric)]);
  expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(labels));
});

it('no metric has a device id as a label', () => {
  expect(registered.flatMap(labelsOf).filter((label) => /device|client/i.test(label))).toEqual([]);
});

/** The sources of all workspaces that declare metrics. */
function filesThatCount(): string[] {
  const { workspaces } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as {
    workspaces: string[]; // our own file
  };
  return workspaces
    .flatMap((pattern) => (pattern.endsWith('/*') ? foldersIn(pattern.slice(0, -2)) : [pattern]))
    .map((workspace) => new URL(`${workspace}/src/`, ROOT))
    .filter((source) => existsSync(source))
    .flatMap((source) =>
      readdirSync(source, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
        .map((name) => new URL(name, source)),
    )
    .filter((file) => /\bnew (?:Counter|Gauge|Histogram|Summary)\b/.test(readFileSync(file, 'utf8')))
    .map((file) => file.pathname);
}

function foldersIn(folder: string): string[] {
  return readdirSync(new URL(`${folder}/`, ROOT), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${folder}/${entry.name}`);
}

function labelsOf(metric: object): string[] {
  return 'labelNames' in metric ? (metric.labelNames as string[]) : []; // not in prom-client's types, in every metric of it
}
