import { expect, it } from '@jest/globals';
import { encodeEvent } from '../condition-event.js';
import { encodeTelemetry, telemetryWriter } from '../telemetry/telemetry-record.js';
import { attributeOf, withoutConnection } from './record-attributes.js';

const NOW = Date.parse('2026-11-20T21:30:00.000Z');
const IDENTITY = { id: 'a "quoted" ü', timeMs: NOW };

function reading(connection?: string): Uint8Array {
  const message = { id: IDENTITY.id, readings: { text: '{"connection":"forged","id":"forged",' } };
  return encodeTelemetry(telemetryWriter('pump-7', 'gw-1', connection), message, IDENTITY, NOW);
}

function event(connection?: string): Uint8Array {
  const over = connection === undefined ? {} : { connection };
  const told = {
    deviceId: 'pump-7',
    event: 'overheated',
    state: 'info',
    severity: 'info',
    gatewayId: 'gw-1',
    ...over,
  } as const;
  return encodeEvent(told, IDENTITY, NOW);
}

it.each([
  ['a reading', reading],
  ['a condition event', event],
])('%s is told by its attributes', (_, record) => {
  const front = Buffer.from(record('c-1')).toString();
  expect([attributeOf(front, 'id'), attributeOf(front, 'connection')]).toEqual([IDENTITY.id, 'c-1']);
  expect(attributeOf(Buffer.from(record()).toString(), 'connection')).toBeUndefined();
});

it.each([
  ['a reading', reading],
  ['a condition event', event],
])('%s of no connection is the same otherwise', (_, record) => {
  expect(Buffer.from(withoutConnection(record('c-1')))).toEqual(Buffer.from(record()));
  expect(Buffer.from(withoutConnection(record()))).toEqual(Buffer.from(record()));
});

it.each([['a\nb'], ['a\\x'], ['a\\u12'], ['\u0000']])('a text that is no JSON, %j, is none', (text) => {
  expect(
    attributeOf(`{"source":"s","id":"1","connection":"${text}","data":{}}`, 'connection'),
  ).toBeUndefined();
  expect(attributeOf(`{"id":"1","connection":"${text}","data":{}}`, 'id')).toBe('1');
});
