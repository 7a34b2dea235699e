import { crc32 } from 'node:zlib';
import type { LogTopic } from '@fieldgate/contracts';
import type { LogRecord } from '../log-record.js';
import type { NewRecord } from '../log-writer.js';

/**
 * The records of one group commit and one topic, as the value that LMDB keeps under the offset of the first:
 *
 * ```
 * u32 CRC-32 of what follows · u8 version · u8[3] 0 · f64 epoch ms · u32 how many records · u32 how many offsets it covers
 * then per record: u32 offset behind the block's · u16 length of the key · i32 length of the value, -1 for a tombstone · key · value
 * ```
 * Little endian. Compaction leaves records out and keeps what is covered, so that readers pass the gap.
 */
const HEADER_BYTES = 24;
const RECORD_BYTES = 10;
const VERSION = 1;

export interface BlockHeader {
  readonly base: number;
  readonly timestampMs: number;
  readonly count: number;
  /** Offsets before this one are in this block, or nowhere. */
  readonly end: number;
  readonly bytes: number;
}

/** An upper bound of what a record takes in a block. */
export function encodedBytes(record: NewRecord): number {
  return RECORD_BYTES + record.key.length * 3 + (record.value?.byteLength ?? 0);
}

/** Writes blocks one behind the other into one buffer that is used again for the next group. */
export class BlockEncoder {
  private buffer = Buffer.allocUnsafeSlow(256 * 1024);
  private position = 0;
  private start = 0;
  private count = 0;

  /** Makes room for a whole group, so that no block moves while LMDB has its address. What was encoded before is void. */
  begin(bytes: number): void {
    if (bytes > this.buffer.length) this.buffer = Buffer.allocUnsafeSlow(Math.ceil(bytes * 1.25));
    this.position = 0;
  }

  startBlock(): void {
    this.start = this.position;
    this.position += HEADER_BYTES;
    this.count = 0;
  }

  add(delta: number, key: string, value: Uint8Array | null): void {
    const { buffer } = this;
    const at = this.position;
    const keyLength = writeKey(buffer, at + RECORD_BYTES, key);
    buffer.writeUInt32LE(delta, at);
    buffer.writeUInt16LE(keyLength, at + 4);
    buffer.writeInt32LE(value === null ? -1 : value.byteLength, at + 6);
    this.position = at + RECORD_BYTES + keyLength;
    if (value !== null) {
      buffer.set(value, this.position);
      this.position += value.byteLength;
    }
    this.count += 1;
  }

  /** `covers`: how many offsets, from the block's base on. The bytes are void after the next `begin`. */
  finishBlock(timestampMs: number, covers: number): Buffer {
    const block = this.buffer.subarray(this.start, this.position);
    block.writeUInt32LE(VERSION, 4);
    block.writeDoubleLE(timestampMs, 8);
    block.writeUInt32LE(this.count, 16);
    block.writeUInt32LE(covers, 20);
    block.writeUInt32LE(crc32(block.subarray(4)), 0);
    return block;
  }

  static bytesFor(records: number, bytes: number): number {
    return HEADER_BYTES * records + bytes;
  }
}

/** Device ids are short ASCII: a loop is cheaper than a call into the runtime. */
function writeKey(buffer: Buffer, at: number, key: string): number {
  if (key.length > 64) return buffer.write(key, at);
  for (let index = 0; index < key.length; index += 1) {
    const code = key.charCodeAt(index);
    if (code > 127) return buffer.write(key, at);
    buffer[at + index] = code;
  }
  return key.length;
}

export function blockHeader(base: number, block: Buffer): BlockHeader {
  return {
    base,
    timestampMs: block.readDoubleLE(8),
    count: block.readUInt32LE(16),
    end: base + block.readUInt32LE(20),
    bytes: block.length,
  };
}

export function isIntact(block: Buffer): boolean {
  return (
    block.length >= HEADER_BYTES &&
    block.readUInt32LE(4) === VERSION &&
    block.readUInt32LE(0) === crc32(block.subarray(4))
  );
}

/** Adds the block's records from an offset on; keys and values are views of the block, which must be the reader's own. */
export function decodeBlock(
  topic: LogTopic,
  base: number,
  block: Buffer,
  into: { readonly from: number; readonly records: LogRecord[] },
): BlockHeader {
  const header = blockHeader(base, block);
  let at = HEADER_BYTES;
  for (let index = 0; index < header.count; index += 1) {
    const offset = base + block.readUInt32LE(at);
    const valueAt = at + RECORD_BYTES + block.readUInt16LE(at + 4);
    const length = block.readInt32LE(at + 6);
    const end = valueAt + Math.max(0, length);
    if (offset >= into.from)
      into.records.push({
        topic,
        partition: 0,
        offset,
        key: block.toString('utf8', at + RECORD_BYTES, valueAt),
        value: length < 0 ? null : block.subarray(valueAt, end),
        timestampMs: header.timestampMs,
      });
    at = end;
  }
  return header;
}
