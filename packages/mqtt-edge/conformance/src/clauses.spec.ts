import { expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { Inputs } from '../../fuzz/src/input.js';
import { readStream } from '../../fuzz/src/read-stream.js';
import { loadCorpus } from '../../fuzz/src/seeds.js';
import { readStatements } from './statements.js';
import { textsIn } from './testing/source-texts.js';

const CLAUSE = /MQTT-\d+(?:\.\d+)+-\d+/g;
const concerns = new Map(readStatements().map((statement) => [statement.id, statement.concerns]));

/** Statements that ask a server to refuse what a client does: no statement for clients says the same. */
const ASKS_TO_REFUSE = new Set([
  'MQTT-3.1.0-2',
  'MQTT-3.1.2-1',
  'MQTT-3.1.2-2',
  'MQTT-3.1.2-3',
  'MQTT-3.2.2-13',
  'MQTT-3.8.3-5',
]);

it('cites no statement that there is not', () => {
  const unknown = sources('').flatMap(({ path, text }) =>
    (text.match(CLAUSE) ?? []).filter((id) => !concerns.has(id)).map((id) => `${path}: ${id}`),
  );
  expect(unknown).toEqual([]);
});

it('tells a client in the Reason String which statement the client has broken, not one for servers', () => {
  const told = sources('connection/')
    .filter(({ path }) => !path.endsWith('.spec.ts'))
    .flatMap(({ text }) => textsIn(text).flatMap((each) => each.match(/\[MQTT-[\d.-]+\]/g) ?? []))
    .map((cited) => cited.slice(1, -1));
  expect(told.length).toBeGreaterThan(5);
  const SILENCE = 'MQTT-3.1.2-22'; // asks the server to end what is silent
  expect(told.filter((id) => id !== SILENCE && !isBrokenBy('client', id))).toEqual([]);
});

it('refuses what the other side sends by a statement for that side', () => {
  const inputs = new Inputs(loadCorpus(), 9);
  const cited = new Set<string>();
  for (let index = 0; index < 30_000; index += 1) {
    const input = inputs.at(index);
    const { violation } = readStream(input, [input.stream]);
    const sender = input.options.role === 'server' ? 'client' : 'server';
    if (violation?.clause.startsWith('MQTT-')) cited.add(`${sender} ${violation.clause}`);
  }
  const [ofClients, ofServers] = ['client', 'server'].map(
    (sender) => [...cited].filter((each) => each.startsWith(sender)).length,
  );
  expect(ofClients).toBeGreaterThan(25);
  expect(ofServers).toBeGreaterThan(15);
  const wrong = [...cited].filter((each) => {
    const [sender, id] = each.split(' ') as ['client' | 'server', string]; // as added above
    return !isBrokenBy(sender, id);
  });
  expect(wrong).toEqual([]);
});

function isBrokenBy(sender: 'client' | 'server', id: string): boolean {
  return ['both', sender].includes(concerns.get(id) ?? '') || (sender === 'client' && ASKS_TO_REFUSE.has(id));
}

function sources(folder: string): readonly { path: string; text: string }[] {
  const root = new URL(`../../src/${folder}`, import.meta.url);
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path, text: readFileSync(new URL(path, root), 'utf8') }));
}
