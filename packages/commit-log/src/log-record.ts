import type { LogTopic } from '@fieldgate/contracts';

/** A place in one topic. Offsets only grow within a partition, and may leave gaps (compaction). */
export interface LogPosition {
  readonly partition: number;
  readonly offset: number;
}

export interface LogRecord extends LogPosition {
  readonly topic: LogTopic;
  readonly key: string;
  /** null: a tombstone. The bytes are the reader's to keep; nobody changes them. */
  readonly value: Uint8Array | null;
  /** Epoch ms of the append. */
  readonly timestampMs: number;
}
