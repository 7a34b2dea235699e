import { existsSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

/** A whole frame of a segment (packages/commit-log/src/spool/record-frame.ts), read without the spool's own reader. */
export interface Frame {
  readonly file: string;
  /** In the file, both. */
  readonly from: number;
  readonly to: number;
  /** The reading in it; undefined: it is another record, or the start of a segment. */
  readonly reading: { readonly device: string; readonly n: number } | undefined;
}

const HEADER_BYTES = 16;
const TRAILER_BYTES = 4;
const MAGIC = 'FGSP';
const TELEMETRY = 'fieldgate.telemetry.v1';

/** Oldest first; what is no whole frame at the end of a file is left out. */
export function framesIn(directory: string): Frame[] {
  return segmentsIn(directory).flatMap((file) => {
    const bytes = readFileSync(file);
    const frames: Frame[] = [];
    for (let from = 0; from + HEADER_BYTES <= bytes.length;) {
      if (bytes.toString('latin1', from, from + 4) !== MAGIC) break;
      const to = from + HEADER_BYTES + bytes.readUInt32LE(from + 4) + TRAILER_BYTES;
      if (to > bytes.length) break;
      frames.push({ file, from, to, reading: readingOf(bytes.subarray(from + HEADER_BYTES, to)) });
      from = to;
    }
    return frames;
  });
}

export function segmentsIn(directory: string): string[] {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  return names
    .filter((name) => name.endsWith('.spool'))
    .sort()
    .map((name) => join(directory, name));
}

/** What the spool has put aside. */
export function quarantined(directory: string): readonly Buffer[] {
  const quarantine = join(directory, 'quarantine');
  const names = existsSync(quarantine) ? readdirSync(quarantine) : [];
  return names.map((name) => readFileSync(join(quarantine, name)));
}

export async function flipBit(file: string, bit: number): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    const at = Math.floor(bit / 8);
    await handle.read(byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ (1 << (bit % 8));
    await handle.write(byte, 0, 1, at);
  } finally {
    await handle.close();
  }
}

export function cutTo(file: string, bytes: number): void {
  truncateSync(file, bytes);
}

function readingOf(body: Buffer): Frame['reading'] {
  const topicAt = 14;
  const valueFrom = body.indexOf('{"');
  if (body.toString('latin1', topicAt, topicAt + TELEMETRY.length) !== TELEMETRY || valueFrom < 0)
    return undefined;
  const value = body.toString('utf8', valueFrom, body.length - TRAILER_BYTES);
  const { subject, data } = JSON.parse(value) as { subject: string; data: { readings: { n: number } } }; // as gateways write it
  return { device: subject, n: data.readings.n };
}
