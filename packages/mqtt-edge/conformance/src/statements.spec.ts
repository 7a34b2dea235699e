import { expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { readGatewayDifferences } from './gateway-differences.js';
import { isOpen, namedTest, readStatements, testsOf } from './statements.js';
import { runningTests, type RunningTest } from './testing/source-texts.js';

const ROOT = new URL('../../../../', import.meta.url);
const statements = readStatements();
const differences = readGatewayDifferences();

it('lists the 251 statements of Appendix B, in its order', () => {
  const chapters = statements.map(({ id }) => id.slice('MQTT-'.length, 'MQTT-'.length + 1));
  const perChapter = Object.fromEntries(
    [...new Set(chapters)].map((chapter) => [chapter, chapters.filter((each) => each === chapter).length]),
  );
  expect(perChapter).toEqual({ 1: 5, 2: 7, 3: 175, 4: 60, 6: 4 });
  const ids = statements.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids].sort(byNumbers)).toEqual(ids);
});

it.each(statements.filter(({ concerns }) => concerns === 'client').map(({ id }) => id))(
  '%s asks nothing of a server, so names no file',
  (id) => {
    expect(Object.keys(statements.find((each) => each.id === id) ?? {})).toEqual(['id', 'concerns', 'says']);
  },
);

it('leaves no statement open that concerns a server', () => {
  expect(statements.filter(isOpen)).toEqual([]);
});

it('gives each statement a file and a test, or a reason, never both', () => {
  const mixed = statements.filter(
    ({ file = '', test, why = '' }) =>
      (file === '') !== (testsOf({ test }).length === 0) || (why !== '' && file !== ''),
  );
  expect(mixed).toEqual([]);
});

it('names files that exist', () => {
  const missing = statements.filter(({ file = '' }) => file !== '' && !existsSync(new URL(file, ROOT)));
  expect(missing).toEqual([]);
});

it('names tests that exist', () => {
  const missing = statements.flatMap(testsOf).filter((test) => !testExists(test));
  expect(missing).toEqual([]);
});

it('says of each statement that is obeyed in the lab broker alone why the gateway differs', () => {
  const explained = new Set(differences.flatMap(({ statements: ids }) => ids));
  const ofTheLab = statements.filter(({ file = '' }) => file.includes('/lab-broker/')).map(({ id }) => id);
  expect(ofTheLab.filter((id) => !explained.has(id))).toEqual([]);
});

it.each(differences)('$title: names statements of a server, and a test that exists', (difference) => {
  const ofServer = new Set(statements.filter(({ concerns }) => concerns !== 'client').map(({ id }) => id));
  expect(difference.statements.filter((id) => !ofServer.has(id))).toEqual([]);
  expect(testExists(difference.test)).toBe(true);
});

it('finds a test that runs by its name, and a row in its own table', () => {
  const here = 'packages/mqtt-edge/conformance/src/statements.spec.ts';
  expect(testExists(`${here} › names tests that exist`)).toBe(true);
  expect(testExists(`${here} › names tests that`)).toBe(false);
  expect(testExists(`${here} › of %j says whether something is to be written: %s › both`)).toBe(true);
  expect(testExists(`${here} › of %j says whether something is to be written: %s › no row`)).toBe(false);
  expect(testExists(`${here} › names tests that exist › both`)).toBe(false);
  expect(testExists('packages/nowhere.spec.ts › names tests that exist')).toBe(false);
  expect(testExists(here)).toBe(false);
});

it.each([
  ["it('x', () => {});", ['x']],
  ['test(`x`, () => {}); describe("y", () => { it.each([1])("z", f); });', ['x', 'y', 'z']],
  ["// it('x', f);\n/* it('x', f); */ const title = 'x';", []],
  ["it.skip('x', f); xit('x', f); it.todo('x'); it.skip.each([1])('x', f);", []],
  ["describe.skip('x', () => { it('y', f); });", []],
  ["expect('x').toBe('x'); submit('x'); given.it('x', f);", []],
])('finds in %j the tests %j', (source, names) => {
  expect(runningTests(source).map(({ name }) => name)).toEqual(names);
});

it('finds the rows of a table that stands elsewhere', () => {
  const source =
    "const ROWS = [['a', 1]] as const; it.each<[string, number]>(ROWS)('x', f); it.each([['b']])('y', f);";
  expect(runningTests(source)).toEqual([
    { name: 'x', rows: new Set(['a']) },
    { name: 'y', rows: new Set(['b']) },
  ]);
});

it.each([
  [{ concerns: 'server', file: '', test: '', why: '' }, true],
  [{ concerns: 'both', file: 'a.ts', test: '', why: '' }, true],
  [{ concerns: 'both', file: 'a.ts', test: 'a.spec.ts › b', why: '' }, false],
  [{ concerns: 'server', file: '', test: '', why: 'no shared subscriptions' }, false],
  [{ concerns: 'client' }, false],
] as const)('of %j says whether something is to be written: %s', (statement, open) => {
  expect(isOpen({ id: 'MQTT-1', says: '', ...statement })).toBe(open);
});

function testExists(test: string): boolean {
  const named = namedTest(test);
  const found = named && testsIn(named.spec).filter(({ name }) => name === named.name);
  return found?.some(({ rows }) => named?.row === undefined || rows.has(named.row)) ?? false;
}

const read = new Map<string, readonly RunningTest[]>();

function testsIn(spec: string): readonly RunningTest[] {
  const known = read.get(spec);
  if (known) return known;
  const file = new URL(spec, ROOT);
  const tests = existsSync(file) ? runningTests(readFileSync(file, 'utf8')) : [];
  read.set(spec, tests);
  return tests;
}

function byNumbers(one: string, other: string): number {
  const [a, b] = [one, other].map((id) => id.slice('MQTT-'.length).split(/[.-]/).map(Number));
  for (const index of [0, 1, 2, 3]) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
