import { expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { readTelemetry, TELEMETRY_FORMATS, type StatedFormat } from './telemetry-format.js';

const NOW = Date.parse('2026-11-20T21:30:05Z');
const GUIDE = readFileSync(new URL('../../../../docs/device-guide.md', import.meta.url), 'utf8');
const [, SECTION = ''] = /### Other formats: SenML and CBOR\n([\s\S]*?)\n## /.exec(GUIDE) ?? [];
const [CBOR = '', SENML_CBOR = ''] = [...SECTION.matchAll(/echo ([0-9a-f]+) \|/g)].map(([, hex]) => hex);
const [, SENML = ''] = /```json\n([\s\S]*?)```/.exec(SECTION) ?? [];

function elements(payload: Uint8Array, stated: StatedFormat): unknown {
  const judged = readTelemetry(payload, stated, NOW);
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
    { ts: Date.parse('2026-11-20T21:29:00Z'), readings: { 'motor.rpm': 1480 } },
    { ts: Date.parse('2026-11-20T21:30:00Z'), readings: { temperature: 71.5 } },
  ];
  expect(elements(Buffer.from(SENML), { topicFormat: 'senml' })).toMatchObject(expected);
  expect(elements(Buffer.from(SENML_CBOR, 'hex'), { topicFormat: 'senml-cbor' })).toMatchObject(expected);
});

it('docs/device-guide.md lists every format with its topic and Content Type', () => {
  const rows = SECTION.split('\n').filter((line) => line.includes('`devices/{deviceId}/telemetry'));
  expect(rows).toHaveLength(Object.keys(TELEMETRY_FORMATS).length);
  for (const [index, [format, { contentType }]] of Object.entries(TELEMETRY_FORMATS).entries()) {
    expect(rows[index]).toContain(`\`${contentType}\``);
    expect(rows[index]).toContain(format === 'json' ? 'telemetry`' : `telemetry/${format}\``);
  }
});
