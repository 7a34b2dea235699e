import { readFile } from 'node:fs/promises';
import { expect, it } from '@jest/globals';
import * as edge from './index.js';

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
const isNamed = (name: string) => new RegExp(`[\`. ]${name}\\b`).test(readme);

it('exports nothing that the README does not name', () => {
  expect(Object.keys(edge).filter((name) => !isNamed(name))).toEqual([]);
});

it('has no public member of a connection that the README does not name', async () => {
  const source = await readFile(new URL('connection/connection.ts', import.meta.url), 'utf8');
  const members = [...source.matchAll(/^ {2}(?:get )?(\w+)\(.*\{$/gm)].map(([, name = '']) => name);
  expect(members).toEqual(expect.arrayContaining(['accept', 'endedBecause', 'suback', 'tick']));
  const unnamed = members.filter((name) => !new RegExp(`\`${name}[\`(]`).test(readme));
  expect(unnamed.filter((name) => !['constructor', 'switch'].includes(name))).toEqual([]);
});
