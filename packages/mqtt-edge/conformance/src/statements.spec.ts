import { expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { readGatewayDifferences } from './gateway-differences.js';
import { hasTitle, isOpen, namedTest, readStatements } from './statements.js';

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
    ({ file = '', test = '', why = '' }) => (file === '') !== (test === '') || (why !== '' && file !== ''),
  );
  expect(mixed).toEqual([]);
});

it('names files that exist', () => {
  const missing = statements.filter(({ file = '' }) => file !== '' && !existsSync(new URL(file, ROOT)));
  expect(missing).toEqual([]);
});

it('names tests that exist', () => {
  const missing = statements.filter(({ test = '' }) => test !== '' && !testExists(test));
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

it('finds a test by the name in its source, and none that is not there', () => {
  const here = 'packages/mqtt-edge/conformance/src/statements.spec.ts';
  expect(testExists(`${here} › names tests that exist`)).toBe(true);
  expect(testExists(`${here} › names tests that`)).toBe(false);
  expect(testExists(`${here} › names tests that exist › client`)).toBe(true);
  expect(testExists(`${here} › names tests that exist › no row`)).toBe(false);
  expect(testExists('packages/nowhere.spec.ts › names tests that exist')).toBe(false);
  expect(testExists(here)).toBe(false);
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
  if (!named || !existsSync(new URL(named.spec, ROOT))) return false;
  const source = readFileSync(new URL(named.spec, ROOT), 'utf8');
  return [named.name, named.row ?? named.name].every((text) => hasTitle(source, text));
}

function byNumbers(one: string, other: string): number {
  const [a, b] = [one, other].map((id) => id.slice('MQTT-'.length).split(/[.-]/).map(Number));
  for (const index of [0, 1, 2, 3]) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
