import { isUtf8 } from 'node:buffer';
import { claimedTime, deviceSource, isBelievable } from './cloud-event.js';
import { isRejection, reject, type Rejection } from './errors.js';
import { Rfc3339 } from './rfc3339.js';

/** Finite numbers, booleans, texts up to 1,024 bytes; nested objects are flattened with dots. */
export type ReadingValue = number | boolean | string;
export type Readings = Readonly<Record<string, ReadingValue>>;

/** One set of readings as the device sent it. */
export interface TelemetryMessage {
  readonly readings: Readings;
  /** The device's clock, epoch ms, whatever it says. */
  readonly ts?: number;
  readonly seq?: number;
  readonly id?: string;
}

export type TelemetryPayload =
  | { readonly kind: 'one'; readonly message: TelemetryMessage }
  /** Each element is a record of its own; a bad one is refused alone. */
  | { readonly kind: 'many'; readonly elements: readonly (TelemetryMessage | Rejection)[] };

/** What a record of `fieldgate.telemetry.v1` says, read back from its bytes. Times in epoch ms. */
export interface TelemetryRecord {
  readonly deviceId: string;
  readonly id: string;
  readonly timeMs: number;
  readonly receivedMs: number;
  readonly seq?: number;
  readonly readings: Readings;
}

export const MAX_METRICS = 256;
export const MAX_TEXT_BYTES = 1024;
export const MAX_ARRAY_LENGTH = 1000;
const MAX_DEPTH = 8;
const METRIC_NAME = /^[A-Za-z_][A-Za-z0-9_.:-]{0,63}$/;
/** With its zone: `Date.parse` alone would take "5" and local times as well, and read them in the zone of this machine. */
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
const MESSAGE_ID = /^[\x21-\x7d][\x21-\x7e]{0,127}$/;

/** The payload of `devices/{id}/telemetry`: a bare object of readings, an envelope with `readings`, or an array of these. */
export function parseTelemetry(payload: Uint8Array): TelemetryPayload | Rejection {
  const parsed = parseJson(payload);
  if (isRejection(parsed)) return parsed;
  return telemetryPayload(parsed.value);
}

/** The same of a value that came in another format than JSON. */
export function telemetryPayload(value: unknown): TelemetryPayload | Rejection {
  if (!Array.isArray(value)) {
    const message = telemetryMessage(value);
    return isRejection(message) ? message : { kind: 'one', message };
  }
  if (value.length === 0) return reject('payload-shape', 'an array of telemetry must not be empty');
  if (value.length > MAX_ARRAY_LENGTH)
    return reject('array-too-long', `${value.length} elements, at most ${MAX_ARRAY_LENGTH}`);
  return { kind: 'many', elements: value.map(telemetryMessage) };
}

/** JSON in UTF-8; the text of a SyntaxError is kept out of the answer because it quotes the payload. */
export function parseJson(payload: Uint8Array): { readonly value: unknown } | Rejection {
  const text = asBuffer(payload).toString('utf8');
  // U+FFFD is what the decoder puts for bad bytes; only then is it worth asking whether the sender really wrote one
  if (text.includes('\uFFFD') && !isUtf8(payload)) return reject('payload-not-utf8');
  try {
    return { value: JSON.parse(text) };
  } catch {
    return reject('payload-not-json');
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function telemetryMessage(value: unknown): TelemetryMessage | Rejection {
  if (!isObject(value)) return reject('payload-shape', 'expected a JSON object with readings');
  const identity = messageIdentity(value);
  if (isRejection(identity)) return identity;
  const enveloped = value['readings'];
  const readings: Record<string, ReadingValue> = {};
  const refused = isObject(enveloped)
    ? collectReadings(readings, enveloped, false)
    : collectReadings(readings, value, true);
  return refused ?? { readings, ...identity }; // in this order: the other way round V8 takes ten times as long
}

/** `ts`, `seq` and `id` of a message: the same in readings, condition events and answers. */
export function messageIdentity(
  value: Record<string, unknown>,
): { ts?: number; seq?: number; id?: string } | Rejection {
  const { ts, seq, id } = value;
  const identity: { ts?: number; seq?: number; id?: string } = {};
  if (ts !== undefined) {
    // 1e400 and other absurd clocks are claims like any other: kept, not believed
    const claimed = typeof ts === 'string' && RFC3339.test(ts) ? Date.parse(ts) : ts;
    if (typeof claimed !== 'number' || Number.isNaN(claimed))
      return reject('payload-shape', 'ts must be epoch milliseconds or RFC 3339');
    identity.ts = claimed;
  }
  if (seq !== undefined) {
    if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 0)
      return reject('payload-shape', 'seq must be a whole number from 0');
    identity.seq = seq;
  }
  if (id !== undefined) {
    if (typeof id !== 'string' || !MESSAGE_ID.test(id))
      return reject('payload-shape', 'id must be 1 to 128 printable ASCII characters, the first not a tilde');
    identity.id = id;
  }
  return identity;
}

function collectReadings(
  into: Record<string, ReadingValue>,
  source: Record<string, unknown>,
  bare: boolean,
): Rejection | undefined {
  const counter = { count: 0 };
  for (const name of Object.keys(source)) {
    if (bare && (name === 'ts' || name === 'seq' || name === 'id')) continue;
    const refused = addReading(into, name, source[name], 1, counter);
    if (refused) return refused;
  }
  return counter.count > 0 ? undefined : reject('payload-shape', 'a message must hold at least one reading');
}

function addReading(
  into: Record<string, ReadingValue>,
  name: string,
  value: unknown,
  depth: number,
  counter: { count: number },
): Rejection | undefined {
  if (isObject(value)) {
    if (depth >= MAX_DEPTH) return reject('payload-too-deep');
    for (const key of Object.keys(value)) {
      const refused = addReading(into, `${name}.${key}`, value[key], depth + 1, counter);
      if (refused) return refused;
    }
    return undefined;
  }
  if (!isMetricName(name)) return reject('metric-name', `"${printable(name)}" is not a metric name`);
  const wrong = wrongValue(name, value);
  if (wrong) return wrong;
  if (++counter.count > MAX_METRICS) return reject('metric-count');
  into[name] = value as ReadingValue; // wrongValue has just checked it
  return undefined;
}

const knownNames = new Set<string>();
const MAX_KNOWN_NAMES = 10_000;

/**
 * `__proto__` as a key would be taken for the prototype of whoever copies the readings, also by those who unfold the dots again. The same
 * few names come all day: a set is looked up faster than the expression is run.
 */
export function isMetricName(name: string): boolean {
  if (knownNames.has(name)) return true;
  if (!METRIC_NAME.test(name) || name.includes('__proto__')) return false;
  if (knownNames.size < MAX_KNOWN_NAMES) knownNames.add(name);
  return true;
}

function wrongValue(name: string, value: unknown): Rejection | undefined {
  if (typeof value === 'number') {
    return Number.isFinite(value)
      ? undefined
      : reject('value-not-finite', `"${printable(name)}" is not a finite number`);
  }
  if (typeof value === 'boolean') return undefined;
  if (typeof value !== 'string')
    return reject('value-type', `"${printable(name)}" is neither a number, a boolean nor a text`);
  return value.length * 3 <= MAX_TEXT_BYTES || Buffer.byteLength(value) <= MAX_TEXT_BYTES
    ? undefined
    : reject('text-too-long', `"${printable(name)}" is longer than ${MAX_TEXT_BYTES} bytes`);
}

/** Names come from strangers and end up in terminals and logs. */
function printable(text: string): string {
  return text.slice(0, 64).replace(/[^\x20-\x7e]/g, '?');
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What identifies a message in the log: its id within its source, and the time it is filed under. */
export interface EventIdentity {
  readonly id: string;
  readonly timeMs: number;
  readonly claimedMs?: number;
}

/**
 * `id` is the device's own; else `<ts>-<seq>` when it sent both and the clock is believable; else minted. `timeMs` is the device's
 * when believable, else arrival, with the claim kept beside it.
 */
export function identify(
  message: { readonly ts?: number; readonly seq?: number; readonly id?: string },
  receivedMs: number,
  mintId: () => string,
): EventIdentity {
  const { ts } = message;
  const believed = ts !== undefined && isBelievable(ts, receivedMs);
  const timeMs = believed ? Math.trunc(ts) : receivedMs;
  const id = message.id ?? (believed && message.seq !== undefined ? `${timeMs}-${message.seq}` : mintId());
  return ts === undefined || believed ? { id, timeMs } : { id, timeMs, claimedMs: ts };
}

/** The parts of a telemetry record that stay the same for one connection; prepared once. */
export interface TelemetryWriter {
  readonly head: string;
  readonly tail: string;
}

export function telemetryWriter(deviceId: string, gatewayId: string): TelemetryWriter {
  const source = deviceSource(deviceId);
  return {
    head: `{"specversion":"1.0","type":"fieldgate.telemetry.v1","source":${JSON.stringify(source)},"subject":${JSON.stringify(deviceId)},"id":`,
    tail: `,"gateway":${JSON.stringify(gatewayId)},"datacontenttype":"application/json","data":{"readings":`,
  };
}

/** The value of a `fieldgate.telemetry.v1` record. Written by hand: this is the hottest line of the product. */
export function encodeTelemetry(
  writer: TelemetryWriter,
  message: TelemetryMessage,
  identity: EventIdentity,
  receivedMs: number,
): Uint8Array {
  const received = receivedText.of(receivedMs);
  const time = identity.timeMs === receivedMs ? received : timeText.of(identity.timeMs);
  const claim = identity.claimedMs === undefined ? '' : `,"devicetime":"${claimedTime(identity.claimedMs)}"`;
  const seq = message.seq === undefined ? '' : `,"seq":${message.seq}`;
  const id = message.id === undefined ? `"${identity.id}"` : JSON.stringify(identity.id); // one of ours has nothing to escape
  return Buffer.from(
    `${writer.head}${id},"time":"${time}","receivedtime":"${received}"${claim}${writer.tail}${JSON.stringify(message.readings)}${seq}}}`,
  );
}

/** One each: a device whose clock is a second off must not make both start anew with every message. */
const receivedText = new Rfc3339();
const timeText = new Rfc3339();

/** Reads a record of the telemetry topic. Anything that is not ours comes back as a rejection, for the dead letters. */
export function decodeTelemetry(value: Uint8Array): TelemetryRecord | Rejection {
  const parsed = parseJson(value);
  if (isRejection(parsed)) return reject('record-unreadable', parsed.detail);
  const event = parsed.value;
  if (!isObject(event) || event['type'] !== 'fieldgate.telemetry.v1' || !isObject(event['data'])) {
    return reject('record-unreadable', 'not a fieldgate.telemetry.v1 CloudEvent');
  }
  const { subject, id, time, receivedtime, data } = event;
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
  for (const name of Object.keys(readings)) {
    if (!isMetricName(name)) return reject('record-unreadable', `"${printable(name)}" is not a metric name`);
    const wrong = wrongValue(name, readings[name]);
    if (wrong) return reject('record-unreadable', wrong.detail);
  }
  const record: TelemetryRecord & { seq?: number } = {
    deviceId: subject,
    id,
    timeMs,
    receivedMs,
    readings: readings as Readings, // every value has just been checked
  };
  if (typeof seq === 'number') record.seq = seq;
  return record;
}
