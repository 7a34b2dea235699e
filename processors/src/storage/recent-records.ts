/**
 * Which records of one partition were seen lately, by source and id: a device that did not get its PUBACK sends the same message again, and
 * both copies lie in the log shortly after one another. A resend that comes much later is found by the store (see TelemetryStore).
 * Two generations of ids, so that the memory is bounded and the newest `capacity` are always known.
 */
export class RecentRecords {
  private current = new Set<string>();
  private previous = new Set<string>();

  constructor(private readonly capacity: number) {}

  has(name: string): boolean {
    return this.current.has(name) || this.previous.has(name);
  }

  add(name: string): void {
    this.current.add(name);
    if (this.current.size < this.capacity) return;
    this.previous = this.current;
    this.current = new Set();
  }
}

/** Neither a device id nor a message id holds a space. */
export function recordName(deviceId: string, id: string): string {
  return `${deviceId} ${id}`;
}

const IDENTITY = /"subject":"([^"\\]+)","id":"((?:[^"\\]|\\.)*)"/;

/** The name of a record of ours without parsing all of it: `subject` and `id` stand next to each other at its front. */
export function nameOf(value: Uint8Array): string | undefined {
  const front = Buffer.from(value.buffer, value.byteOffset, Math.min(value.byteLength, 512)).toString('utf8');
  const [, deviceId, id] = IDENTITY.exec(front) ?? [];
  if (deviceId === undefined || id === undefined) return undefined;
  return recordName(deviceId, id.includes('\\') ? String(JSON.parse(`"${id}"`)) : id);
}
