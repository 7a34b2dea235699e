import { expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { readSettings, settingsSchema, type Settings } from './settings.js';

const example = await readFile(new URL('../../.env.example', import.meta.url), 'utf8');
const documentation = await readFile(new URL('../../docs/configuration.md', import.meta.url), 'utf8');

/** A default that is worked out at the start, in the words of the document. */
const DERIVED: Readonly<Record<string, string>> = { FIELDGATE_GATEWAY_ID: 'the host name' };

const names = Object.keys(settingsSchema.shape).toSorted();
const defaults: Readonly<Record<string, Settings[keyof Settings]>> = readSettings({});

/** `NAME=value` lines. */
const exampleValues = new Map(
  [...example.matchAll(/^([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
);

/** Rows that begin with a variable: its name, and the cell of its default. */
const documentedDefaults = new Map(
  [...documentation.matchAll(/^\| `(FIELDGATE_\w+)` +\| ([^|]+?) +\|/gm)].map(([, name = '', shown = '']) => [
    name,
    shown,
  ]),
);

it('.env.example names every variable once, and no other', () => {
  expect([...exampleValues.keys()].toSorted()).toEqual(names);
  expect(example.match(/^FIELDGATE_\w+=/gm)).toHaveLength(names.length);
});

it('.env.example holds the defaults', () => {
  const expected = names.map((name) => [name, name in DERIVED ? '' : String(defaults[name] ?? '')]);
  expect(Object.fromEntries(exampleValues)).toEqual(Object.fromEntries(expected));
});

it('.env.example can be taken as it is', () => {
  expect(readSettings(Object.fromEntries(exampleValues))).toEqual(defaults);
});

it('docs/configuration.md has a row for every variable, and for no other', () => {
  expect([...documentedDefaults.keys()].toSorted()).toEqual(names);
});

it('docs/configuration.md tells the defaults', () => {
  const shown = (name: string): string => {
    const value = defaults[name];
    return DERIVED[name] ?? (value === undefined ? 'unset' : `\`${String(value)}\``);
  };
  expect(Object.fromEntries(documentedDefaults)).toEqual(
    Object.fromEntries(names.map((name) => [name, shown(name)])),
  );
});

it('docs/configuration.md and .env.example speak of no variable that is not read', () => {
  const mentioned = new Set(`${documentation}\n${example}`.match(/FIELDGATE_[A-Z_]+/g));
  expect([...mentioned].filter((name) => !names.includes(name))).toEqual([]);
});
