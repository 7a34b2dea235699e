import { claimedTime, deviceSource, isBelievable } from '../cloud-event.js';
import { isRejection, reject, type Rejection } from '../errors.js';
import { isObject, parseJson } from '../parse-json.js';
import { Rfc3339 } from '../rfc3339.js';
import { ownTelemetry } from './own-telemetry.js';
import type { TelemetryMessage } from './parse-telemetry.js';
import { wrongReading, type Readings } from './reading.js';

/** What a record of `fieldgate.telemetry.v1` says, read back from its bytes. Times in epoch ms. */
export interface TelemetryRecord {
  readonly deviceId: string;
  readonly id: string;
  readonly timeMs: number;
  readonly receivedMs: number;
  readonly seq?: number;
  /** The connection that it came over; records of others than gateways have none. */
  readonly connection?: string;
  readonly readings: Readings;
}

/** What identifies a message in the log: its id within its source, and the time it is filed under. */
export interface EventIdentity {
  readonly id: string;
  readonly timeMs: number;
  readonly claimedMs?: number;
}

/** An id for what came without one; `receivedMs`: then. */
export type MintId = (receivedMs: number) => string;

/**
 * `id` is the device's own; else `<ts>-<seq>` when it sent both and the clock is believable; else minted. `timeMs` is the device's
 * when believable, else arrival, with the claim kept beside it.
 */
export function identify(
  message: { readonly ts?: number; readonly seq?: number; readonly id?: string },
  receivedMs: number,
  mintId: MintId,
): EventIdentity {
  const { ts } = message;
  const believed = ts !== undefined && isBelievable(ts, receivedMs);
  const timeMs = believed ? Math.trunc(ts) : receivedMs;
  const id =
    message.id ?? (believed && message.seq !== undefined ? `${timeMs}-${message.seq}` : mintId(receivedMs));
  return ts === undefined || believed ? { id, timeMs } : { id, timeMs, claimedMs: ts };
}

/** The parts of a telemetry record that stay the same for one connection; prepared once. */
export interface TelemetryWriter {
  /** From the opening brace to the opening quote of the id. */
  readonly head: Uint8Array;
  /** From the closing quote of the last time to the colon before the readings. */
  readonly tail: Uint8Array;
}

export function telemetryWriter(deviceId: string, gatewayId: string, connection?: string): TelemetryWriter {
  const source = JSON.stringify(deviceSource(deviceId));
  const subject = JSON.stringify(deviceId);
  const head = `{"specversion":"1.0","type":"fieldgate.telemetry.v1","source":${source},"subject":${subject},"id":"`;
  return { head: Buffer.from(head), tail: tailOf(gatewayId, connection) };
}

let lastTail: { readonly gatewayId: string; readonly tail: Uint8Array } | undefined;

/** One for all who name no connection. */
function tailOf(gatewayId: string, connection: string | undefined): Uint8Array {
  if (connection === undefined && lastTail?.gatewayId === gatewayId) return lastTail.tail;
  const gateway = JSON.stringify(gatewayId);
  const over = connection === undefined ? '' : `"connection":${JSON.stringify(connection)},`;
  const tail = Buffer.from(
    `","gateway":${gateway},${over}"datacontenttype":"application/json","data":{"readings":`,
  );
  if (connection === undefined) lastTail = { gatewayId, tail };
  return tail;
}

/** The value of a `fieldgate.telemetry.v1` record. The hottest messages do not come here: see `PlainTelemetry`. */
export function encodeTelemetry(
  writer: TelemetryWriter,
  message: TelemetryMessage,
  identity: EventIdentity,
  receivedMs: number,
): Uint8Array {
  const received = receivedText.of(receivedMs);
  const time = identity.timeMs === receivedMs ? received : timeText.of(identity.timeMs);
  const claim = identity.claimedMs === undefined ? '' : `","devicetime":"${claimedTime(identity.claimedMs)}`;
  const seq = message.seq === undefined ? '' : `,"seq":${message.seq}`;
  const id = message.id === undefined ? identity.id : JSON.stringify(identity.id).slice(1, -1); // one of ours has nothing to escape
  return Buffer.concat([
    writer.head,
    Buffer.from(`${id}","time":"${time}","receivedtime":"${received}${claim}`),
    writer.tail,
    Buffer.from(`${JSON.stringify(message.readings)}${seq}}}`),
  ]);
}

/** One each: a device whose clock is a second off must not make both start anew with every message. */
const receivedText = new Rfc3339();
const timeText = new Rfc3339();

/** Reads a record of the telemetry topic. Anything that is not ours comes back as a rejection, for the dead letters. */
export function decodeTelemetry(value: Uint8Array): TelemetryRecord | Rejection {
  return ownTelemetry(value) ?? anyTelemetry(value);
}

/** The long way, for whoever has written it. */
function anyTelemetry(value: Uint8Array): TelemetryRecord | Rejection {
  const parsed = parseJson(value);
  if (isRejection(parsed)) return reject('record-unreadable', parsed.detail);
  const event = parsed.value;
  if (!isObject(event) || event['type'] !== 'fieldgate.telemetry.v1' || !isObject(event['data'])) {
    return reject('record-unreadable', 'not a fieldgate.telemetry.v1 CloudEvent');
  }
  const { subject, id, time, receivedtime, connection, data } = event;
  const { readings, seq } = data as Record<string, unknown>;
  const timeMs = typeof time === 'string' ? timeText.parse(time) : Number.NaN;
  const receivedMs = typeof receivedtime === 'string' ? receivedText.parse(receivedtime) : timeMs;
  if (
    typeof subject !== 'string' ||
    typeof id !== 'string' ||
    Number.isNaN(timeMs) ||
    Number.isNaN(receivedMs) ||
    !isObject(readings)
  ) {
    return reject('record-unreadable', 'subject, id, time or readings are missing');
  }
  const wrong = wrongReading(readings);
  if (wrong !== undefined) return reject('record-unreadable', wrong);
  const record: TelemetryRecord & { seq?: number; connection?: string } = {
    deviceId: subject,
    id,
    timeMs,
    receivedMs,
    readings: readings as Readings, // every value has just been checked
  };
  if (typeof seq === 'number') record.seq = seq;
  if (typeof connection === 'string') record.connection = connection;
  return record;
}
