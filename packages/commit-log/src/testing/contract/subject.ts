import { randomBytes } from 'node:crypto';
import type { ConsumerGroup, LogTopic } from '@fieldgate/contracts';
import type { CommitLog } from '../../commit-log.js';
import { HANDLED, type BatchOutcome, type Consumption, type LogBatch } from '../../log-reader.js';
import type { LogPosition, LogRecord } from '../../log-record.js';
import { appended } from '../../log-writer.js';
import { Inbox } from '../inbox.js';

/** A started log, one way to stop it and open another on the same records, and the end of both. */
export interface OpenedLog {
  readonly log: CommitLog;
  reopen(): Promise<CommitLog>;
  close(): Promise<void>;
}

export type OpenLog = () => Promise<OpenedLog>;

/** The log that a suite is about; `log` is another object after `reopen`. */
export interface Subject {
  readonly log: CommitLog;
  readonly open: OpenLog;
  reopen(): Promise<void>;
}

/** A real broker may have to elect, assign and rebalance before the event comes that a test waits for. */
export const CONTRACT_TIMEOUT_MS = 60_000;

export const TOPIC: LogTopic = 'fieldgate.events.v1';
export const OTHER_TOPIC: LogTopic = 'fieldgate.alerts.v1';
/** Takes very many records, which no other test has to read. */
export const BULK_TOPIC: LogTopic = 'fieldgate.telemetry.v1';
export const TABLE_TOPIC: LogTopic = 'fieldgate.devices.v1';

/** The topics are not empty and not ours alone: whatever a test writes or reads is told apart by such a name. */
export function unique(word: string): string {
  return `${word}-${randomBytes(6).toString('hex')}`;
}

export function uniqueGroup(): ConsumerGroup {
  return `fieldgate.${unique('contract')}`;
}

export function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

export function textOf(record: LogRecord): string | null {
  return record.value === null ? null : Buffer.from(record.value).toString();
}

export function textsOf(records: readonly LogRecord[]): (string | null)[] {
  return records.map(textOf);
}

export function say(
  log: CommitLog,
  topic: LogTopic,
  key: string,
  ...texts: string[]
): Promise<LogPosition[]> {
  return Promise.all(texts.map((text) => appended(log.writer, { topic, key, value: bytes(text) })));
}

/** Nothing in these tests may fail in the background unheard. */
export function unexpected(error: unknown): never {
  throw new Error('the reader failed, and nothing in this test should make it', { cause: error });
}

/** A member of a group that keeps what it got under `key`, and every batch. */
export class Member {
  readonly batches = new Inbox<LogBatch>();
  readonly records = new Inbox<LogRecord>();
  readonly failures = new Inbox<unknown>();
  private consumption: Consumption | undefined;

  constructor(
    private readonly log: CommitLog,
    readonly group: ConsumerGroup,
    private readonly isMine: (record: LogRecord) => boolean,
    private readonly outcome: (batch: LogBatch) => BatchOutcome | Promise<BatchOutcome> = () => HANDLED,
  ) {}

  async start(topics: readonly LogTopic[] = [TOPIC]): Promise<this> {
    this.consumption = await this.log.reader.consume(
      this.group,
      topics,
      async (batch) => {
        this.batches.push(batch);
        this.records.push(...batch.records.filter(this.isMine));
        return this.outcome(batch);
      },
      (error) => this.failures.push(error),
    );
    return this;
  }

  async stop(): Promise<void> {
    await this.consumption?.stop();
  }

  /** Every partition of the topic has been assigned, and everything that is in it now has been handed over. */
  async atEnd(topic: LogTopic = TOPIC): Promise<void> {
    const bounds = await this.log.reader.bounds(topic);
    await this.batches.until((all) =>
      bounds.every(({ partition, end }) =>
        all.some((batch) => batch.topic === topic && batch.partition === partition && nextOf(batch) >= end),
      ),
    );
  }
}

/** The offset after a batch. Compaction and control records leave gaps: a batch that begins at the end counts as there. */
export function nextOf(batch: LogBatch): number {
  const last = batch.records.at(-1);
  return last === undefined ? batch.from : last.offset + 1;
}

export function withKey(key: string): (record: LogRecord) => boolean {
  return (record) => record.key === key;
}
