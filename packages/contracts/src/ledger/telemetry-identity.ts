import { Rfc3339 } from '../rfc3339.js';
import { TELEMETRY_FRONT } from '../telemetry/telemetry-front.js';

/** What the ledger counts of a reading: all but the readings. */
export interface TelemetryIdentity {
  readonly id: string;
  readonly timeMs: number;
  readonly receivedMs: number;
  readonly connection: string | undefined;
  readonly seq: number | undefined;
}

/** `TELEMETRY_FRONT` with the longest device id and the longest id of a message. */
const FRONT_BYTES = 768;
/** Behind the brace that closes the readings: inside of a text there would be a quote before the end. */
const SEQ = /\},"seq":(\d{1,16})\}\}$/;
const SEQ_BYTES = 28;

const times = new Rfc3339();
const arrivals = new Rfc3339();

/**
 * Of a record that a gateway wrote, without parsing all of it: less than half of the time of `decodeTelemetry`. Undefined for every other one, which
 * may be one of ours all the same.
 */
export function telemetryIdentity(value: Uint8Array): TelemetryIdentity | undefined {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const front = TELEMETRY_FRONT.exec(bytes.toString('latin1', 0, FRONT_BYTES));
  if (front === null) return undefined;
  const [, , id = '', time = '', received = '', connection] = front;
  const timeMs = times.parse(time);
  const receivedMs = arrivals.parse(received);
  if (Number.isNaN(timeMs) || Number.isNaN(receivedMs)) return undefined;
  const seq = SEQ.exec(bytes.toString('latin1', Math.max(0, bytes.length - SEQ_BYTES)));
  return { id, timeMs, receivedMs, connection, seq: seq === null ? undefined : Number(seq[1]) };
}
