import { asBuffer } from '../as-buffer.js';
import { isObject } from '../parse-json.js';
import { Rfc3339 } from '../rfc3339.js';
import { wrongReading, type Readings } from './reading.js';
import { TELEMETRY_FRONT } from './telemetry-front.js';
import type { TelemetryRecord } from './telemetry-record.js';

const MAX_KNOWN = 10_000;
/** One copy of each device id and connection: a part of a record's text would keep all of that in memory for as long as somebody has it. */
const known = new Map<string, string>();
const times = new Rfc3339();
const arrivals = new Rfc3339();

/**
 * A record of a gateway, of which only the data is parsed as JSON: an eighth less time than for all of it. Undefined for every other one, which
 * may be a good one all the same. What it takes, `decodeTelemetry` would read the same by its long way.
 */
export function ownTelemetry(value: Uint8Array): TelemetryRecord | undefined {
  const text = asBuffer(value).toString('utf8');
  const front = TELEMETRY_FRONT.exec(text);
  if (front === null || !text.endsWith('}') || text.includes('\uFFFD')) return undefined; // bad UTF-8 becomes U+FFFD
  const [all, deviceId = '', id = '', time = '', received = '', connection] = front;
  const data = parsed(text.slice(all.length, -1));
  if (!isObject(data) || !isObject(data['readings'])) return undefined;
  const { readings, seq } = data;
  const timeMs = times.parse(time);
  const receivedMs = arrivals.parse(received);
  if (Number.isNaN(timeMs) || Number.isNaN(receivedMs) || wrongReading(readings) !== undefined)
    return undefined;
  const record: TelemetryRecord & { seq?: number; connection?: string } = {
    deviceId: one(deviceId),
    id,
    timeMs,
    receivedMs,
    readings: readings as Readings, // every value has just been checked
  };
  if (typeof seq === 'number') record.seq = seq;
  if (connection !== undefined) record.connection = one(connection);
  return record;
}

/** One value and nothing behind it, or undefined. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the long way says what is wrong with it
  }
}

function one(part: string): string {
  const same = known.get(part);
  if (same !== undefined) return same;
  const copy = Buffer.from(part).toString();
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(copy, copy);
  return copy;
}
