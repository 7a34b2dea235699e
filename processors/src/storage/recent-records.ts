import { isMinted } from '@fieldgate/contracts';

/**
 * Which records of one partition that are filed under their arrival were seen lately, by source and id: a device that did not get its PUBACK
 * sends the same message again, and both copies lie in the log shortly after one another, each under a time of its own. Whatever is filed
 * under the device's own time is found by the store, however late it comes again (see TelemetryStore), and takes no place here.
 * Ids that a gateway made up take no place either: they come only once. Two generations of ids, so that the memory is bounded and the newest `capacity` are always known.
 */
export class RecentRecords {
  private current = new Set<string>();
  private previous = new Set<string>();

  constructor(private readonly capacity: number) {}

  has(name: string): boolean {
    return this.current.has(name) || this.previous.has(name);
  }

  add(name: string): void {
    this.current.add(Buffer.from(name).toString()); // a copy: a part of a longer text would keep all of that in memory
    if (this.current.size < this.capacity) return;
    this.previous = this.current;
    this.current = new Set();
  }
}

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

/** undefined for every other one, for ids that a gateway made up, and for what another producer wrote in this form and nobody can read. */
export function seenRecordOf(value: Uint8Array): SeenRecord | undefined {
  const front = Buffer.from(value.buffer, value.byteOffset, Math.min(value.byteLength, FRONT_BYTES));
  const [, deviceId, text, time, arrival] = IDENTITY.exec(front.toString('utf8')) ?? [];
  if (deviceId === undefined || text === undefined || time === undefined || isMinted(text)) return undefined;
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
