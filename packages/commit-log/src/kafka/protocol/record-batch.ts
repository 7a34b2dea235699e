import { crc32c, Writer } from '@platformatic/kafka';

/** What of a record is written into a batch. */
export interface BatchRecord {
  readonly key: Buffer;
  readonly value: Buffer | null;
  readonly timestampMs: number;
}

const HEADER_NAME = Buffer.from('content-type');
const HEADER_VALUE = Buffer.from('application/cloudevents+json');
/** The CloudEvents Kafka binding's mark of a structured event: the only header, and in every record the same bytes. */
const HEADERS = Buffer.concat([
  Buffer.from([1 * 2, HEADER_NAME.length * 2]),
  HEADER_NAME,
  Buffer.from([HEADER_VALUE.length * 2]),
  HEADER_VALUE,
]);
/** Length, attributes, time and offset deltas, key and value lengths at their widest. */
const RECORD_OVERHEAD = 5 + 1 + 9 + 5 + 5 + 5 + HEADERS.length;

const BATCH_HEADER_BYTES = 61;
const LENGTH_AT = 8;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const MAGIC = 2;
/** No idempotent producer: epoch and sequence say nothing. */
const NO_PRODUCER = { id: -1n, epoch: -1, sequence: -1 } as const;

/** An upper bound of what `writeRecordBatch` will write. */
export function recordBatchRoom(records: readonly BatchRecord[]): number {
  let room = BATCH_HEADER_BYTES;
  for (const { key, value } of records) room += RECORD_OVERHEAD + key.length + (value?.length ?? 0);
  return room;
}

/**
 * Writes one record batch (format 2, https://kafka.apache.org/documentation/#recordbatch) at `start`; returns where it ends. By hand and
 * into one buffer because it is half of what an append costs: the client's own encoder makes several objects per field.
 */
export function writeRecordBatch(into: Buffer, start: number, records: readonly BatchRecord[]): number {
  const firstMs = records[0]?.timestampMs ?? 0;
  let latestMs = firstMs;
  let at = start + BATCH_HEADER_BYTES;
  for (let index = 0; index < records.length; index++) {
    const record = records[index];
    if (record === undefined) continue;
    if (record.timestampMs > latestMs) latestMs = record.timestampMs;
    at = writeRecord(into, at, record, index, record.timestampMs - firstMs);
  }
  into.writeBigInt64BE(0n, start); // the broker sets the offset
  into.writeInt32BE(at - start - LENGTH_AT - 4, start + LENGTH_AT);
  into.writeInt32BE(-1, start + 12); // the leader's epoch, too
  into.writeInt8(MAGIC, start + 16);
  into.writeInt16BE(0, start + ATTRIBUTES_AT); // not compressed, the writer's time
  into.writeInt32BE(records.length - 1, start + 23);
  into.writeBigInt64BE(BigInt(firstMs), start + 27);
  into.writeBigInt64BE(BigInt(latestMs), start + 35);
  into.writeBigInt64BE(NO_PRODUCER.id, start + 43);
  into.writeInt16BE(NO_PRODUCER.epoch, start + 51);
  into.writeInt32BE(NO_PRODUCER.sequence, start + 53);
  into.writeInt32BE(records.length, start + 57);
  const covered = Writer.create().append(into.subarray(start + ATTRIBUTES_AT, at)).dynamicBuffer; // a plain buffer would be copied first
  into.writeUInt32BE(crc32c(covered), start + CRC_AT);
  return at;
}

function writeRecord(
  into: Buffer,
  start: number,
  record: BatchRecord,
  index: number,
  deltaMs: number,
): number {
  const { key, value } = record;
  const valueLength = value === null ? -1 : value.length; // -1: a tombstone
  const length =
    1 +
    zigzagBytes(deltaMs) +
    zigzagBytes(index) +
    zigzagBytes(key.length) +
    key.length +
    zigzagBytes(valueLength) +
    Math.max(valueLength, 0) +
    HEADERS.length;
  let at = writeZigzag(into, start, length);
  into[at++] = 0; // attributes: none are defined
  at = writeZigzag(into, at, deltaMs);
  at = writeZigzag(into, at, index);
  at = writeZigzag(into, at, key.length);
  at += key.copy(into, at);
  at = writeZigzag(into, at, valueLength);
  if (value !== null) at += value.copy(into, at);
  return at + HEADERS.copy(into, at);
}

/** Signed numbers as the protocol's varints; arithmetic instead of bits because times exceed 32. */
function writeZigzag(into: Buffer, start: number, value: number): number {
  return writeVarint(into, start, value < 0 ? -2 * value - 1 : 2 * value);
}

export function writeVarint(into: Buffer, start: number, unsigned: number): number {
  let rest = unsigned;
  let at = start;
  while (rest > 127) {
    into[at++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  into[at++] = rest;
  return at;
}

function zigzagBytes(value: number): number {
  return varintBytes(value < 0 ? -2 * value - 1 : 2 * value);
}

export function varintBytes(unsigned: number): number {
  let bytes = 1;
  for (let rest = unsigned; rest > 127; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
