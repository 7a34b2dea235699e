import { mintedNumber } from '@fieldgate/contracts';

/** Neither a device id nor a message id holds a space. */
export function recordName(deviceId: string, id: string): string {
  return `${deviceId} ${id}`;
}

/** The order in which the gateway writes; from the very front, so that nothing in a device's readings is taken for it. */
const IDENTITY =
  /^\{"specversion":"1\.0","type":"[^"\\]+","source":"[^"\\]+","subject":"([^"\\]+)","id":"((?:[^"\\]|\\.)*)","time":"([^"\\]+)"(,"receivedtime":"\3")?/;
/** All of that with the longest device id, and an id of which every character is escaped. */
const FRONT_BYTES = 640;

/** A record of ours under an id of its device, without parsing all of it. */
export interface SeenRecord {
  readonly deviceId: string;
  readonly id: string;
  readonly timeMs: number;
  readonly isFiledUnderArrival: boolean;
}

/** By its front alone. undefined for every other one, and for ids that a gateway made up. */
export function seenRecordOf(value: Uint8Array): SeenRecord | undefined {
  const front = Buffer.from(value.buffer, value.byteOffset, Math.min(value.byteLength, FRONT_BYTES));
  const [, deviceId, text, time, arrival] = IDENTITY.exec(front.toString('utf8')) ?? [];
  if (deviceId === undefined || text === undefined || time === undefined || mintedNumber(text) !== undefined)
    return undefined;
  const id = text.includes('\\') ? unescaped(text) : text;
  const timeMs = Date.parse(time);
  if (id === undefined || Number.isNaN(timeMs)) return undefined;
  return { deviceId, id, timeMs, isFiledUnderArrival: arrival !== undefined };
}

function unescaped(text: string): string | undefined {
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return undefined; // no JSON: the record is a dead letter
  }
}
