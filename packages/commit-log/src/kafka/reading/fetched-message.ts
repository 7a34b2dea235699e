import type { LogTopic } from '@fieldgate/contracts';
import type { Batch, IHeaders, KafkaMessage, RecordBatchEntry } from 'kafkajs';
import type { LogRecord } from '../../log-record.js';

/** Offset and length of a batch; the length counts from here. */
const FRONT_BYTES = 12;
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 21;
const FIRST_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const COUNT_AT = 57;
const HEADER_BYTES = 61;
const MAGIC = 2;
/** Set when the broker's clock counts, not the writer's; every other attribute is of compression or transactions. */
const LOG_APPEND_TIME = 1 << 3;

interface FetchedBatch {
  readonly bytes: Buffer;
  readonly firstMs: number;
  /** Where the broker's clock counts. */
  readonly brokersMs: number | undefined;
}

/**
 * One record of a fetched batch (format 2, https://kafka.apache.org/documentation/#record), which is read when it is asked for: a fetch brings
 * 20,000 of them, and what would be made of all of them at once outlives the young generation.
 */
export class FetchedMessage implements RecordBatchEntry {
  /** `bodyAt`: behind the length. */
  constructor(
    private readonly batch: FetchedBatch,
    private readonly bodyAt: number,
    private readonly position: number,
  ) {}

  record(topic: LogTopic, partition: number): LogRecord {
    const { bytes } = this.batch;
    const timestampMs = this.readTime();
    const keyLength = varints.next();
    const keyAt = varints.skip(keyLength);
    const valueLength = varints.next();
    return {
      topic,
      partition,
      offset: this.position,
      key: keyLength > 0 ? bytes.toString('utf8', keyAt, keyAt + keyLength) : '',
      value: valueLength < 0 ? null : bytes.subarray(varints.at, varints.at + valueLength),
      timestampMs,
    };
  }

  // what kafkajs and other consumers of its see of a message

  get offset(): string {
    return String(this.position);
  }

  get timestamp(): string {
    return String(this.readTime());
  }

  get key(): Buffer | null {
    this.readTime();
    return varints.bytesHere();
  }

  get value(): Buffer | null {
    this.readTime();
    varints.skip(varints.next());
    return varints.bytesHere();
  }

  get headers(): IHeaders {
    this.readTime();
    for (const _ of ['key', 'value']) varints.skip(varints.next());
    const headers: Record<string, Buffer | Buffer[]> = {};
    for (let rest = varints.next(); rest > 0; rest--) {
      const name = String(varints.bytesHere());
      const value = varints.bytesHere() ?? Buffer.alloc(0);
      const before = headers[name];
      headers[name] = before === undefined ? value : [before, value].flat();
    }
    return headers;
  }

  get attributes(): number {
    return 0;
  }

  get isControlRecord(): boolean {
    return false;
  }

  /** Leaves the reader at the key. */
  private readTime(): number {
    const { bytes, firstMs, brokersMs } = this.batch;
    varints.begin(bytes, this.bodyAt + 1);
    const delta = varints.next();
    varints.next(); // the offset, which is known
    return brokersMs ?? firstMs + delta;
  }
}

/** Signed numbers of the protocol, one after another. */
class Varints {
  at = 0;
  private bytes: Buffer = Buffer.alloc(0);

  begin(bytes: Buffer, at: number): void {
    this.bytes = bytes;
    this.at = at;
  }

  /** Arithmetic instead of bits beyond the first byte, because times exceed 32. */
  next(): number {
    let byte = this.bytes[this.at++] as number; // behind the end it is undefined, which no bit is set in
    let unsigned = byte & 127;
    for (let factor = 128; (byte & 128) !== 0; factor *= 128) {
      byte = this.bytes[this.at++] as number; // see above
      unsigned += (byte & 127) * factor;
    }
    return unsigned % 2 === 0 ? unsigned / 2 : -(unsigned + 1) / 2;
  }

  /** Returns where it was; a negative length is nothing. */
  skip(length: number): number {
    const { at } = this;
    if (length > 0) this.at = at + length;
    return at;
  }

  bytesHere(): Buffer | null {
    const length = this.next();
    if (length < 0) return null;
    const at = this.skip(length);
    return this.bytes.subarray(at, at + length);
  }
}

const varints = new Varints();

export function recordsOf({ messages, partition }: Batch, topic: LogTopic): LogRecord[] {
  return messages.map((message) =>
    message instanceof FetchedMessage
      ? message.record(topic, partition)
      : asRecord(message, topic, partition),
  );
}

/** Of what only kafkajs reads. */
function asRecord(message: KafkaMessage, topic: LogTopic, partition: number): LogRecord {
  const { offset, key, value, timestamp } = message;
  return {
    topic,
    partition,
    offset: Number(offset),
    key: key?.toString() ?? '',
    value,
    timestampMs: Number(timestamp),
  };
}

/** Whether every batch is one as our writers make them: format 2, not compressed, in no transaction. */
export function arePlain(batches: Buffer): boolean {
  for (let at = 0; at + HEADER_BYTES <= batches.length;) {
    const length = batches.readInt32BE(at + LENGTH_AT);
    if (length < HEADER_BYTES - FRONT_BYTES || batches[at + MAGIC_AT] !== MAGIC) return false;
    if ((batches.readInt16BE(at + ATTRIBUTES_AT) & ~LOG_APPEND_TIME) !== 0) return false;
    at += FRONT_BYTES + length;
  }
  return true;
}

/** The records of plain batches; the last of these may be cut off where the answer was full, and comes again. */
export function messagesOf(batches: Buffer): FetchedMessage[] {
  const messages: FetchedMessage[] = [];
  for (let at = 0; at + HEADER_BYTES <= batches.length;) {
    const end = at + FRONT_BYTES + batches.readInt32BE(at + LENGTH_AT);
    if (end > batches.length) break;
    readBatch(batches.subarray(0, end), at, messages);
    at = end;
  }
  return messages;
}

function readBatch(bytes: Buffer, at: number, messages: FetchedMessage[]): void {
  const isBrokersTime = (bytes.readInt16BE(at + ATTRIBUTES_AT) & LOG_APPEND_TIME) !== 0;
  const batch: FetchedBatch = {
    bytes,
    firstMs: Number(bytes.readBigInt64BE(at + FIRST_TIMESTAMP_AT)),
    brokersMs: isBrokersTime ? Number(bytes.readBigInt64BE(at + MAX_TIMESTAMP_AT)) : undefined,
  };
  const firstOffset = Number(bytes.readBigInt64BE(at));
  let recordAt = at + HEADER_BYTES;
  for (let rest = bytes.readInt32BE(at + COUNT_AT); rest > 0; rest--) {
    if (recordAt >= bytes.length)
      throw new Error(`batch at offset ${firstOffset} lacks ${rest} of its records`);
    varints.begin(bytes, recordAt);
    const length = varints.next();
    const bodyAt = varints.at;
    varints.begin(bytes, bodyAt + 1);
    varints.next(); // the time
    messages.push(new FetchedMessage(batch, bodyAt, firstOffset + varints.next()));
    recordAt = bodyAt + length;
  }
}
