import { crc32 } from 'node:zlib';
import type { LogTopic } from '@fieldgate/contracts';

/**
 * The files of the spool. A directory holds segments, `{base}-{salt}.spool`, and `released.mark` (spool-mark.ts). `base` is the position of the
 * segment's first byte over all segments, in 16 decimal digits; `salt` is chance, in 8 hexadecimal digits. A segment is a row of frames, little
 * endian:
 *
 * ```
 * header   u32 magic "FGSP" · u32 length of the body · u32 kind (0 record, 1 start of a segment) · u32 check of the header
 * body     record: f64 epoch ms · u16 length of the key · u16 length of the partition key, 65535 without · u8 length of the topic ·
 *                  u8 1 with a value, 0 a tombstone · topic · key · partition key · value
 *          start:  u32 version of this format · f64 base · f64 end of what counts before this segment
 * trailer  u32 CRC-32 of the body, begun with the check of the header
 * ```
 * - The header has a check of its own, so that the length can be trusted when only the body is damaged: one flipped bit costs one record. When
 *   the header is damaged, the reader looks for the next header that fits its place.
 * - The check depends on the position and on the salt: bytes that a device sends can not pass as a frame, nor can what an older file has left on
 *   the disk.
 * - The start is a frame like any other: damage there costs no record, because base and salt are in the file's name. What lies at or behind
 *   "end of what counts" in an older segment is what a failed append has left there: no reader takes it.
 * - The trailer is at the end, so that a write that was torn leaves it missing or zero (a file grows before its bytes are there). That is how a
 *   torn tail (never acknowledged: cut) is told from a damaged last record (quarantined): its length is right, and its trailer is not zero.
 */
const MAGIC = 0x50534746;
export const MAGIC_BYTES: Buffer = Buffer.from('FGSP');
export const HEADER_BYTES = 16;
export const TRAILER_BYTES = 4;
const RECORD_BYTES = 14;
const START_BYTES = 20;
const NO_PARTITION_KEY = 0xffff;
const VERSION = 1;
const KIND = { record: 0, start: 1 } as const;
export const START_FRAME_BYTES: number = HEADER_BYTES + START_BYTES + TRAILER_BYTES;

/** Byte position over all segments; only grows. */
export type SpoolPosition = number;

/** A record as it lies on disk. */
export interface SpooledRecord {
  readonly topic: LogTopic;
  readonly key: string;
  /** What decides the partition, when that is not the key. */
  readonly partitionKey?: string;
  /** null: a tombstone. */
  readonly value: Uint8Array | null;
  /** Epoch ms of its arrival: the timestamp it gets in the log. */
  readonly timestampMs: number;
}

/** An upper bound of what a record takes. */
export function frameBound(record: SpooledRecord): number {
  const texts = record.topic.length + record.key.length + (record.partitionKey?.length ?? 0);
  return HEADER_BYTES + RECORD_BYTES + texts * 3 + (record.value?.byteLength ?? 0) + TRAILER_BYTES;
}

/** Writes the frames of one append, one behind the other, into a buffer that is used again for the next. */
export class FrameEncoder {
  private buffer = Buffer.allocUnsafeSlow(256 * 1024);
  private length = 0;
  private position: SpoolPosition = 0;
  private salt = 0;

  /** What was encoded before is void. */
  begin(bytes: number, place: { readonly position: SpoolPosition; readonly salt: number }): void {
    if (bytes > this.buffer.length) this.buffer = Buffer.allocUnsafeSlow(Math.ceil(bytes * 1.25));
    this.length = 0;
    this.position = place.position;
    this.salt = place.salt;
  }

  addStart(start: { readonly base: SpoolPosition; readonly previousEnd: SpoolPosition }): void {
    const at = this.length + HEADER_BYTES;
    this.buffer.writeUInt32LE(VERSION, at);
    this.buffer.writeDoubleLE(start.base, at + 4);
    this.buffer.writeDoubleLE(start.previousEnd, at + 12);
    this.finish(KIND.start, START_BYTES);
  }

  addRecord(record: SpooledRecord): void {
    const { buffer } = this;
    const { topic, key, partitionKey, value } = record;
    const body = this.length + HEADER_BYTES;
    let at = body + RECORD_BYTES;
    const topicBytes = writeText(buffer, at, topic);
    const keyBytes = writeText(buffer, (at += topicBytes), key);
    at += keyBytes;
    const partitionKeyBytes = partitionKey === undefined ? 0 : writeText(buffer, at, partitionKey);
    at += partitionKeyBytes;
    if (value !== null) buffer.set(value, at);
    buffer.writeDoubleLE(record.timestampMs, body);
    buffer.writeUInt16LE(keyBytes, body + 8);
    buffer.writeUInt16LE(partitionKey === undefined ? NO_PARTITION_KEY : partitionKeyBytes, body + 10);
    buffer[body + 12] = topicBytes;
    buffer[body + 13] = value === null ? 0 : 1;
    this.finish(KIND.record, at + (value?.byteLength ?? 0) - body);
  }

  /** The bytes are void after the next `begin`. */
  finished(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  private finish(kind: number, bodyBytes: number): void {
    const { buffer, length: at } = this;
    const check = headerCheck(bodyBytes, kind, seedOf(this.position + at, this.salt));
    buffer.writeUInt32LE(MAGIC, at);
    buffer.writeUInt32LE(bodyBytes, at + 4);
    buffer.writeUInt32LE(kind, at + 8);
    buffer.writeUInt32LE(check, at + 12);
    const body = at + HEADER_BYTES;
    const end = body + bodyBytes;
    buffer.writeUInt32LE(crc32(buffer.subarray(body, end), check), end);
    this.length = end + TRAILER_BYTES;
  }
}

/** The length of the frame whose header stands there; 0 when there is none, or it is damaged. The whole header must be in the buffer. */
export function frameLengthAt(buffer: Buffer, at: number, seed: number): number {
  if (buffer.readUInt32LE(at) !== MAGIC) return 0;
  const bodyBytes = buffer.readUInt32LE(at + 4);
  const check = headerCheck(bodyBytes, buffer.readUInt32LE(at + 8), seed);
  return buffer.readUInt32LE(at + 12) === check ? HEADER_BYTES + bodyBytes + TRAILER_BYTES : 0;
}

/** Of a whole frame with a sound header. */
export function isBodyIntact(buffer: Buffer, at: number, length: number): boolean {
  const end = at + length - TRAILER_BYTES;
  return (
    buffer.readUInt32LE(end) === crc32(buffer.subarray(at + HEADER_BYTES, end), buffer.readUInt32LE(at + 12))
  );
}

export function isRecordFrame(buffer: Buffer, at: number): boolean {
  return buffer.readUInt32LE(at + 8) === KIND.record;
}

/** A large value is a view of the buffer, which must be the reader's own. A small one is a copy: it would hold all of the buffer in memory. */
export function decodeRecord(buffer: Buffer, at: number, length: number): SpooledRecord {
  const body = at + HEADER_BYTES;
  const keyBytes = buffer.readUInt16LE(body + 8);
  const partitionKeyBytes = buffer.readUInt16LE(body + 10);
  const keyAt = body + RECORD_BYTES + buffer.readUInt8(body + 12);
  const partitionKeyAt = keyAt + keyBytes;
  const hasPartitionKey = partitionKeyBytes !== NO_PARTITION_KEY;
  const valueAt = partitionKeyAt + (hasPartitionKey ? partitionKeyBytes : 0);
  const record = {
    topic: buffer.toString('latin1', body + RECORD_BYTES, keyAt) as LogTopic, // its CRC is right: we have written it
    key: buffer.toString('utf8', keyAt, partitionKeyAt),
    value: buffer.readUInt8(body + 13) === 0 ? null : valueIn(buffer, valueAt, at + length - TRAILER_BYTES),
    timestampMs: timestampOf(buffer, at),
  };
  return hasPartitionKey
    ? { ...record, partitionKey: buffer.toString('utf8', partitionKeyAt, valueAt) }
    : record;
}

function valueIn(buffer: Buffer, from: number, to: number): Buffer {
  const view = buffer.subarray(from, to);
  return view.length * 4 < buffer.length ? Buffer.from(view) : view;
}

export function timestampOf(buffer: Buffer, at: number): number {
  return buffer.readDoubleLE(at + HEADER_BYTES);
}

export interface SegmentStart {
  readonly isKnownVersion: boolean;
  readonly previousEnd: SpoolPosition;
}

/** What the first bytes of a segment say; undefined when they are missing or damaged. */
export function decodeStart(bytes: Buffer, seed: number): SegmentStart | undefined {
  if (bytes.length < START_FRAME_BYTES) return undefined;
  const length = frameLengthAt(bytes, 0, seed);
  if (length === 0 || bytes.readUInt32LE(8) !== KIND.start) return undefined;
  if (length > bytes.length || !isBodyIntact(bytes, 0, length)) return undefined;
  return {
    isKnownVersion: bytes.readUInt32LE(HEADER_BYTES) === VERSION,
    previousEnd: bytes.readDoubleLE(HEADER_BYTES + 12),
  };
}

/** What a header's check begins with. */
export function seedOf(position: SpoolPosition, salt: number): number {
  return position ^ salt ^ Math.imul(Math.floor(position / 2 ** 32), 0x9e3779b1); // `^` takes the low 32 bits of a position
}

/** Every step can be undone: for the other two as they are, each length and each kind has a check of its own. */
function headerCheck(bodyBytes: number, kind: number, seed: number): number {
  let hash = Math.imul(seed ^ 0x5bd1e995, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ bodyBytes, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13) ^ kind, 0x27d4eb2f);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Topics and device ids are short ASCII: a loop is cheaper than a call into the runtime. */
function writeText(buffer: Buffer, at: number, text: string): number {
  if (text.length > 64) return buffer.write(text, at);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 127) return buffer.write(text, at);
    buffer[at + index] = code;
  }
  return text.length;
}
