import {
  attributeOf,
  deadLetterRecordSchema,
  decodeEvent,
  decodeLedgerReport,
  decodeTelemetry,
  isRejection,
  parseJson,
  PRESENCE_EVENTS,
  reject,
  telemetryIdentity,
  type DeadLetterRecord,
  type EventRecord,
  type Rejection,
  type StoredTopic,
  type TelemetryIdentity,
  type TelemetryRecord,
} from '@fieldgate/contracts';
import type { LogRecord } from '@fieldgate/commit-log';
import { STORAGE } from '../consumer-groups.js';
import type { DeviceFold } from './device-fold.js';

/** Enough for all attributes of a record, and for the origin of a dead letter with all elements of an array. */
const FRONT_BASE64 = 64 * 1024;
/** In the origin of a dead letter: inside of a text its quotes would be escaped. */
const ELEMENTS = /"elements":\[([\d,]+)\]/;

/** Counts one record of its device. A rejection: it is not understood, and counts as nothing. */
export function countRecord(device: DeviceFold, { topic, offset, value }: LogRecord): Rejection | undefined {
  if (!value) return reject('record-unreadable', 'a tombstone has no place in this topic');
  if (topic === 'fieldgate.telemetry.v1')
    return countMessage(device, { topic, offset }, telemetryIdentity(value) ?? decodeTelemetry(value));
  if (topic === 'fieldgate.events.v1') return countMessage(device, { topic, offset }, decodeEvent(value));
  if (topic === 'fieldgate.dead-letters.v1') return countDeadLetter(device, value);
  if (topic === 'fieldgate.ledger.v1') return countReport(device, value);
  return reject('record-unreadable', `the ledger does not count ${topic}`);
}

function countReport(device: DeviceFold, value: Uint8Array): Rejection | undefined {
  const report = decodeLedgerReport(value);
  if (isRejection(report)) return report;
  device.report(report);
  return undefined;
}

function countMessage(
  device: DeviceFold,
  at: { readonly topic: StoredTopic; readonly offset: number },
  record: TelemetryIdentity | TelemetryRecord | EventRecord | Rejection,
): Rejection | undefined {
  if (isRejection(record)) return record;
  if ('event' in record && PRESENCE_EVENTS.includes(record.event)) return undefined; // told of the device, not by it
  device.record(at, record);
  return undefined;
}

function countDeadLetter(device: DeviceFold, value: Uint8Array): Rejection | undefined {
  const parsed = parseJson(value);
  if (isRejection(parsed)) return reject('record-unreadable', parsed.detail);
  const read = deadLetterRecordSchema.safeParse(parsed.value);
  if (!read.success) return reject('record-unreadable', 'not a fieldgate.dead-letters.v1 CloudEvent');
  const { id, connection, data } = read.data;
  const { origin, code, payload } = data;
  const atMs = Date.parse(read.data.time);
  switch (origin.kind) {
    case 'mqtt':
      device.refused(connection, { id, code, atMs }, origin.elements?.length ?? 1);
      return undefined;
    case 'spool':
      if (isStored(origin.topic)) device.refused(connectionIn(frontOf(payload)), { id, code, atMs }, 1);
      if (origin.topic === 'fieldgate.dead-letters.v1')
        device.refused(connectionIn(frontOf(payload)), { id, code, atMs }, elementsIn(frontOf(payload)));
      return undefined;
    case 'log': {
      // what nobody can read was not counted as a record either; of another group: the record itself is counted
      if (origin.group !== STORAGE.group || !isStored(origin.topic) || code === 'record-unreadable')
        return undefined;
      const front = frontOf(payload);
      device.notStored(origin.topic, {
        connection: connectionIn(front),
        id: attributeOf(front, 'id'),
        atMs,
      });
      return undefined;
    }
  }
}

function isStored(topic: string): topic is StoredTopic {
  return topic === 'fieldgate.telemetry.v1' || topic === 'fieldgate.events.v1';
}

/** Of a record that was refused later than by a gateway a letter may have room for the beginning only. */
function frontOf(payload: DeadLetterRecord['data']['payload']): string {
  return Buffer.from(payload.slice(0, FRONT_BASE64), 'base64').toString();
}

function connectionIn(front: string): string | undefined {
  return attributeOf(front, 'connection');
}

/** So many records a dead letter is about: those of an array, or one. */
function elementsIn(front: string): number {
  return ELEMENTS.exec(front)?.[1]?.split(',').length ?? 1;
}
