import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { readTelemetry, TELEMETRY_FORMATS, type StatedFormat } from './telemetry-format.js';

const NOW = Date.parse('2026-11-20T21:30:05Z');
const GUIDE = readFileSync(new URL('../../../../docs/device-guide.md', import.meta.url), 'utf8');
const [, SECTION = ''] = /### Other formats: SenML and CBOR\n([\s\S]*?)\n## /.exec(GUIDE) ?? [];
const [CBOR = '', SENML_CBOR = ''] = [...SECTION.matchAll(/echo ([0-9a-f]+) \|/g)].map(([, hex]) => hex);
const [, SENML = ''] = /```json\n([\s\S]*?)```/.exec(SECTION) ?? [];

function elements(payload: Uint8Array, stated: StatedFormat, now = NOW): unknown {
  const judged = readTelemetry(payload, stated, now);
  return judged.kind === 'many' ? judged.elements : judged;
}

it('docs/device-guide.md shows a message in CBOR that is the one in JSON beside it', () => {
  const [, json = ''] = /This is `(\{.*\})`/.exec(SECTION) ?? [];
  expect(elements(Buffer.from(CBOR, 'hex'), { topicFormat: 'cbor' })).toEqual(
    readTelemetry(Buffer.from(json), {}, NOW),
  );
});

it('docs/device-guide.md shows a pack in both representations, and what becomes of it', () => {
  const expected = [
    { ts: NOW - 60_000, readings: { 'motor.rpm': 1480 } },
    { readings: { temperature: 71.5 } }, // of its arrival
  ];
  expect(elements(Buffer.from(SENML), { topicFormat: 'senml' })).toMatchObject(expected);
  expect(elements(Buffer.from(SENML_CBOR, 'hex'), { topicFormat: 'senml-cbor' })).toMatchObject(expected);
});

it('docs/device-guide.md says what a base time does to that pack', () => {
  const [, base = ''] = /With `"bt": (\d+)`/.exec(SECTION) ?? [];
  const [first, second] = JSON.parse(SENML) as object[]; // the one above
  const based = JSON.stringify([{ ...first, bt: Number(base) }, second]);
  expect(elements(Buffer.from(based), { topicFormat: 'senml' })).toMatchObject([
    { ts: Date.parse('2026-11-20T21:29:00Z') },
    { ts: Date.parse('2026-11-20T21:30:00Z') },
  ]);
});

/** A `ts` of more than 30 days ago is not believed, and a reading of a day before the registration is in no `latest`. */
it('no command of docs/device-guide.md sends a fixed time', () => {
  const commands = [...GUIDE.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block = '']) => block);
  expect(commands.join('')).toContain('mosquitto_pub');
  expect(commands.filter((block) => /\b1[67]\d{8}|20\d\d-\d\d-\d\d/.test(block))).toEqual([]);
  expect(elements(Buffer.from(CBOR, 'hex'), { topicFormat: 'cbor' })).not.toHaveProperty('message.ts');
  const later = elements(Buffer.from(SENML_CBOR, 'hex'), { topicFormat: 'senml-cbor' }, NOW + 86_400_000);
  expect(later).toMatchObject([{ ts: NOW + 86_400_000 - 60_000 }, {}]);
  expect(later).not.toHaveProperty('[1].ts');
});

/** From anywhere else the ledger would call what lies between lost, at every restart of the device. */
it('the device of docs/device-guide.md in Python counts its messages from 0, by one', () => {
  const [python = ''] = /^seq = .*\n^while True:\n( .*\n)*/m.exec(GUIDE) ?? [];
  expect(python).toMatch(/^seq = 0 [\s\S]*'seq': seq,[\s\S]*client\.publish[\s\S]*\n {4}seq \+= 1\n/);
});

it('docs/device-guide.md lists every format with its topic and Content Type', () => {
  const rows = SECTION.split('\n').filter((line) => line.includes('`devices/{deviceId}/telemetry'));
  expect(rows).toHaveLength(Object.keys(TELEMETRY_FORMATS).length);
  for (const [index, [format, { contentType }]] of Object.entries(TELEMETRY_FORMATS).entries()) {
    expect(rows[index]).toContain(`\`${contentType}\``);
    expect(rows[index]).toContain(format === 'json' ? 'telemetry`' : `telemetry/${format}\``);
  }
});
