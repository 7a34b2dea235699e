import { expect, it } from '@jest/globals';
import { parse } from '@swc/core';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const WORKSPACES = ['gateway', 'processors', 'operator-api', 'cli'].concat(
  readdirSync(`${ROOT}packages`).map((name) => `packages/${name}`),
);
const LEVELS = new Set(['info', 'warn', 'error', 'fatal']);

interface Line {
  /** `${…}` stands where the text is made. */
  readonly text: string;
  /** undefined: chosen while it runs. */
  readonly level: string | undefined;
  readonly file: string;
}

const [, table = ''] =
  /^\| `msg` +\| level +\|.*\n\|[-| ]+\|\n((?:\|.*\n)+)/m.exec(
    readFileSync(`${ROOT}docs/operations.md`, 'utf8'),
  ) ?? [];
const documented = new Map(
  [...table.matchAll(/^\|([^|]+)\|([^|]+)\|/gm)].flatMap(([, texts = '', level = '']) =>
    [...texts.matchAll(/`([^`]+)`/g)].map(([, text = '']): [string, string] => [text, level]),
  ),
);

const logged = (
  await Promise.all(
    WORKSPACES.flatMap(sourcesIn)
      .filter((file) => !file.endsWith('.spec.ts') && !file.includes('/testing/'))
      .map((file) => linesOf(readFileSync(ROOT + file, 'utf8'), file)),
  )
).flat();

it('docs/operations.md has every line that is logged at info or above, with its level', () => {
  expect(logged.length).toBeGreaterThan(40);
  const missing = logged.filter(
    ({ text, level }) =>
      ![...documented].some(
        ([row, levels]) => fits(text, row) && (level === undefined || levels.includes(level)),
      ),
  );
  expect(missing).toEqual([]);
});

it('docs/operations.md has no line that nobody logs', () => {
  expect([...documented.keys()].filter((row) => !logged.some(({ text }) => fits(text, row)))).toEqual([]);
});

it('finds what is logged in every way that our code has', async () => {
  const lines = await linesOf(
    [
      "this.parts.logger.warn({ a: 1 }, 'one');",
      "logger[level]({ a: 1 }, 'two');",
      "this.lines.log('info', `kind`, { a: 1 }, 'three');",
      'logger.info({ a }, `alert ${change}`);',
      "logger.debug('four');",
    ].join('\n'),
    'x.ts',
  );
  expect(lines.map(({ text, level }) => [text, level])).toEqual([
    ['one', 'warn'],
    ['two', undefined],
    ['three', 'info'],
    ['alert ${…}', 'info'],
  ]);
});

function sourcesIn(workspace: string): string[] {
  return readdirSync(`${ROOT}${workspace}/src`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${workspace}/src/${name}`);
}

function fits(text: string, row: string): boolean {
  const [head = '', ...rest] = text.split('${…}');
  return rest.length === 0 ? row === text : row.startsWith(head) && row.endsWith(rest.at(-1) ?? '');
}

/** What a source says to a logger, or to the one that leaves repeated lines out. */
async function linesOf(source: string, file: string): Promise<Line[]> {
  const found: Line[] = [];
  visit(await parse(source, { syntax: 'typescript', decorators: true, target: 'es2022' }), (call) => {
    const { object, property } = nodeOf(call['callee']);
    const receiver = wordOf(nodeOf(object)['property']) ?? wordOf(object);
    const given = call['arguments'] as { expression: unknown }[]; // of every call expression of swc
    const method = wordOf(property);
    const isLines = receiver === 'lines' && method === 'log';
    if (receiver !== 'logger' && !isLines) return;
    const level = isLines ? wordOf(given[0]?.expression) : method;
    if (level !== undefined && !LEVELS.has(level)) return;
    const text = textOf(nodeOf(given.at(-1)?.expression));
    if (text !== undefined) found.push({ text, level, file });
  });
  return found;
}

/** The name of an identifier, or a text. */
function wordOf(node: unknown): string | undefined {
  const { value } = nodeOf(node);
  return typeof value === 'string' ? value : undefined;
}

/** undefined: not ours, but what Nest says through our log. */
function textOf(node: Readonly<Record<string, unknown>>): string | undefined {
  if (node['type'] === 'StringLiteral') return wordOf(node);
  if (node['type'] !== 'TemplateLiteral') return undefined;
  return (node['quasis'] as { raw: string }[]).map(({ raw }) => raw).join('${…}'); // of every template of swc
}

function visit(node: unknown, call: (node: Readonly<Record<string, unknown>>) => void): void {
  if (typeof node !== 'object' || node === null) return;
  if (nodeOf(node)['type'] === 'CallExpression') call(nodeOf(node));
  for (const child of Object.values(node)) visit(child, call);
}

function nodeOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}; // a tree of plain objects
}
