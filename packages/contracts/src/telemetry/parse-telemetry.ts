import { isRejection, reject, type Rejection } from '../errors.js';
import { isObject, parseJson } from '../parse-json.js';
import {
  isMetricName,
  MAX_METRICS,
  wrongMetricName,
  wrongValue,
  type Readings,
  type ReadingValue,
} from './reading.js';

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

export const MAX_ARRAY_LENGTH = 1000;
const MAX_DEPTH = 8;
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

function telemetryMessage(value: unknown): TelemetryMessage | Rejection {
  if (!isObject(value)) return reject('payload-shape', 'expected a JSON object with readings');
  const identity = messageIdentity(value);
  if (isRejection(identity)) return identity;
  const enveloped = value['readings'];
  if (enveloped === null || Array.isArray(enveloped))
    return reject('value-type', '"readings" must be an object with the readings in it');
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
    if (typeof claimed !== 'number' || Number.isNaN(claimed)) return reject('payload-shape', wrongTime(ts));
    identity.ts = claimed;
  }
  if (seq !== undefined) {
    if (typeof seq !== 'number' || !Number.isSafeInteger(seq) || seq < 0)
      return reject('payload-shape', '"seq" must be a whole number from 0');
    identity.seq = seq;
  }
  if (id !== undefined) {
    if (typeof id !== 'string' || !MESSAGE_ID.test(id))
      return reject(
        'payload-shape',
        '"id" must be 1 to 128 printable ASCII characters, the first not a tilde',
      );
    identity.id = id;
  }
  return identity;
}

function wrongTime(ts: unknown): string {
  return typeof ts === 'string' && RFC3339.test(`${ts}Z`)
    ? '"ts" has no zone: end it with Z for UTC, or with an offset like +02:00'
    : '"ts" must be epoch milliseconds, or RFC 3339 with its zone like 2026-11-21T21:30:00Z';
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
  if (!isMetricName(name)) return reject('metric-name', wrongMetricName(name));
  const wrong = wrongValue(name, value);
  if (wrong) return wrong;
  if (++counter.count > MAX_METRICS) return reject('metric-count');
  into[name] = value as ReadingValue; // wrongValue has just checked it
  return undefined;
}
