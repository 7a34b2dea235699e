import {
  decodeEvent,
  decodeTelemetry,
  reject,
  type EventRecord,
  type Rejection,
  type TelemetryRecord,
} from '@fieldgate/contracts';
import type { LogRecord } from '@fieldgate/commit-log';

/** What the rules judge of a record. */
export function judgeable({ topic, value }: LogRecord): TelemetryRecord | EventRecord | Rejection {
  if (!value) return reject('record-unreadable', 'a tombstone has no place in this topic');
  return topic === 'fieldgate.events.v1' ? decodeEvent(value) : decodeTelemetry(value);
}
