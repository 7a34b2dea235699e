import { expect, it } from '@jest/globals';
import { parse, type ClassMember, type ModuleItem, type TsTypeElement } from '@swc/core';
import { existsSync, readFileSync } from 'node:fs';

const ROOT = new URL('../', import.meta.url);
const DOCUMENT = readFileSync(new URL('docs/message-path.md', ROOT), 'utf8');

/** `path/to/file.ts` → `Symbol` or `Symbol.member` */
const REFERENCE = /`([\w./-]+\.ts)` → `(\w+(?:\.\w+)?)`/g;

it('docs/message-path.md names only files and symbols that exist', async () => {
  expect(await unresolved(DOCUMENT)).toEqual([]);
});

it('docs/message-path.md writes every reference in the one notation', () => {
  expect([...DOCUMENT.matchAll(REFERENCE)].length).toBeGreaterThan(40);
  expect(DOCUMENT.match(/→/g)?.length).toBe([...DOCUMENT.matchAll(REFERENCE)].length);
});

it('notices a file that has moved', async () => {
  expect(await unresolved('`gateway/src/ingest/ingest.ts` → `IngestPublish`')).toEqual([
    'gateway/src/ingest/ingest.ts is no file',
  ]);
  expect(await unresolved('see `integrity/message-way.spec.ts`')).toEqual([
    'integrity/message-way.spec.ts is no file',
  ]);
});

it('notices a symbol that has another name, or is only mentioned in the file', async () => {
  const file = 'gateway/src/ingest/ingest-publish.ts';
  for (const symbol of ['IngestMessage', 'IngestPublish.swallow', 'parseTelemetry', 'LogWriter.append'])
    expect(await unresolved(`\`${file}\` → \`${symbol}\``)).toEqual([`${file} declares no ${symbol}`]);
  expect(await unresolved(`\`${file}\` → \`IngestPublish.ingest\``)).toEqual([]);
});

/** What a text names and the repository does not have. */
async function unresolved(text: string): Promise<string[]> {
  const faults: string[] = [];
  for (const [, file = ''] of text.matchAll(/`([\w./-]+\.ts)`/g))
    if (!existsSync(new URL(file, ROOT))) faults.push(`${file} is no file`);
  for (const [, file = '', symbol = ''] of text.matchAll(REFERENCE)) {
    if (!existsSync(new URL(file, ROOT))) continue;
    if (!(await declarationsOf(file)).has(symbol)) faults.push(`${file} declares no ${symbol}`);
  }
  return faults;
}

const parsed = new Map<string, Promise<ReadonlySet<string>>>();

/** What a file declares at its top level: functions, classes, interfaces, types, constants; and `Class.member`. */
function declarationsOf(file: string): Promise<ReadonlySet<string>> {
  const known = parsed.get(file);
  if (known) return known;
  const source = readFileSync(new URL(file, ROOT), 'utf8');
  const names = parse(source, { syntax: 'typescript', decorators: true, target: 'es2022' }).then(
    ({ body }) => new Set(body.flatMap(declared)),
  );
  parsed.set(file, names);
  return names;
}

function declared(item: ModuleItem): string[] {
  const declaration = item.type === 'ExportDeclaration' ? item.declaration : item;
  if (declaration.type === 'FunctionDeclaration') return [declaration.identifier.value];
  if (declaration.type === 'TsTypeAliasDeclaration') return [declaration.id.value];
  if (declaration.type === 'VariableDeclaration')
    return declaration.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.value] : []));
  if (declaration.type === 'ClassDeclaration')
    return withMembers(declaration.identifier.value, declaration.body);
  if (declaration.type === 'TsInterfaceDeclaration')
    return withMembers(declaration.id.value, declaration.body.body);
  return []; // imports, re-exports, statements
}

function withMembers(owner: string, members: readonly (ClassMember | TsTypeElement)[]): string[] {
  const names = members.flatMap((member) => ('key' in member ? nameOf(member.key) : []));
  return [owner, ...names.map((name) => `${owner}.${name}`)];
}

function nameOf(key: { readonly type: string }): string[] {
  return 'value' in key && typeof key.value === 'string' ? [key.value] : [];
}
