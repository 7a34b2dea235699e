import {
  encodeDeadLetter,
  encodeEvent,
  encodeLedgerReport,
  encodeTelemetry,
  noCounters,
  telemetryWriter,
  type DeadLetterOrigin,
  type LogTopic,
} from '@fieldgate/contracts';
import { beforeEach, expect, it } from '@jest/globals';
import { countRecord } from './count-record.js';
import { DeviceFold } from './device-fold.js';

const NOW = Date.parse('2026-11-20T21:30:00.000Z');
/** As much of a record as a dead letter has room for. */
const KEPT_BYTES = 512 * 1024;
let device: DeviceFold;
beforeEach(() => {
  device = new DeviceFold('pump-7');
});

function letter(origin: DeadLetterOrigin, payload: Uint8Array, connection?: string): Uint8Array {
  return encodeDeadLetter({
    deviceId: 'pump-7',
    id: 'spool-1',
    code: 'record-refused',
    detail: 'too large',
    payload: payload.subarray(0, KEPT_BYTES),
    atMs: NOW,
    origin,
    ...(connection === undefined ? {} : { connection }),
  });
}

function count(origin: DeadLetterOrigin, payload: Uint8Array): void {
  const record = { key: 'pump-7', partition: 0, offset: 0, timestampMs: NOW };
  const value = letter(origin, payload);
  expect(countRecord(device, { ...record, topic: 'fieldgate.dead-letters.v1', value })).toBeUndefined();
}

const fromSpool = (topic: LogTopic, payload: Uint8Array): void => count({ kind: 'spool', topic }, payload);

const large = encodeTelemetry(
  telemetryWriter('pump-7', 'gw-1', 'one'),
  { readings: { text: `","connection":"forged","${'x'.repeat(900_000)}` } },
  { id: '~b-1', timeMs: NOW },
  NOW,
);

const ledger = (): ReturnType<DeviceFold['ledger']> => device.ledger();

it('a reading of a spool that the log refuses is of its connection, also when it is too large for a letter', () => {
  fromSpool('fieldgate.telemetry.v1', large);
  expect(ledger()).toMatchObject({
    connections: [{ connection: 'one', log: { deadLetters: { 'record-refused': 1 } } }],
    others: { deadLetters: {} },
  });
});

it('an event of a spool that the log refuses is one record, whatever its details are', () => {
  const event = { deviceId: 'pump-7', event: 'hot', state: 'raised', severity: 'info' } as const;
  const more = { connection: 'one', details: { elements: [1, 2, 3] } };
  fromSpool('fieldgate.events.v1', encodeEvent({ ...event, ...more }, { id: '~b-1', timeMs: NOW }, NOW));
  expect(ledger().connections).toMatchObject([{ log: { deadLetters: { 'record-refused': 1 } } }]);
});

it('a reading that the store refuses is of its connection, also when it is too large for a letter', () => {
  const at = { topic: 'fieldgate.telemetry.v1', partition: 0, offset: 0 };
  count({ kind: 'log', group: 'fieldgate.storage', ...at }, large);
  expect(ledger()).toMatchObject({
    connections: [{ connection: 'one', log: { notStored: 1 } }],
    others: { notStored: 0 },
  });
});

it('a letter of a spool that the log refuses is as many records as it is about', () => {
  const elements = Array.from({ length: 40 }, (_, index) => index);
  const origin = { kind: 'mqtt', topic: 'a","elements":[1],"', qos: 1 } as const;
  fromSpool('fieldgate.dead-letters.v1', letter({ ...origin, elements }, Buffer.alloc(700_000), 'one'));
  fromSpool('fieldgate.dead-letters.v1', letter(origin, Buffer.from('x'), 'one'));
  expect(ledger().connections).toMatchObject([{ log: { deadLetters: { 'record-refused': 41 } } }]);
});

it('a report or a step of a command that the log refuses is no record of a connection', () => {
  const of = { connection: 'one', gateway: 'gw-1', boot: 'b', number: 1, from: NOW, to: NOW, final: true };
  fromSpool('fieldgate.ledger.v1', encodeLedgerReport('pump-7', { ...of, counters: noCounters() }));
  fromSpool('fieldgate.commands.v1', Buffer.from('{}'));
  expect(ledger()).toMatchObject({ connections: [], others: { deadLetters: {} } });
});
