import { FieldgateError, isLogTopic, type LogTopic } from '@fieldgate/contracts';
import type { Clock, Logger } from '@fieldgate/service';
import { reasonOf, unavailable } from '../kafka/protocol/protocol-codes.js';
import type { Overflow, TakenBack } from '../kafka/writing/unsettled-records.js';
import type { LogWriter, NewRecord, Settle } from '../log-writer.js';
import type { DiskSpool, SpooledRecord, SpoolPosition } from './disk-spool.js';
import { spoolDeadLetter } from './spool-dead-letter.js';
import { SpoolDrain } from './spool-drain.js';
import { SpoolFullness, type FullnessLimits } from './spool-fullness.js';
import { observeSpool, spooled } from './spool-metrics.js';
import type { Place } from './spool-quarantine.js';
import type { SpoolState, SpoolStatus } from './spool-status.js';
import { SpooledPartitions } from './spooled-partitions.js';
import { WaitingRoom } from './waiting-room.js';

/** The log that may be away. */
export interface SpoolableLog {
  ingest(record: NewRecord, settle: Settle): boolean;
  deliver(record: NewRecord, timestampMs: number, settle: Settle): boolean;
  onOverflow(overflow: Overflow): void;
  partitionOf(topic: LogTopic, key: string): number;
  drained(listener: () => void): void;
  /** Why it does not answer at the moment. */
  problem(): string | undefined;
}

export interface SpoolLimits extends FullnessLimits {
  readonly drainRecordsPerSecond: number;
  /** How long the log may take for an answer. */
  readonly afterMs: number;
}

export interface SpoolingWriterParts {
  readonly log: SpoolableLog;
  readonly disk: DiskSpool;
  readonly limits: SpoolLimits;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly logger: Logger;
}

/**
 * What devices send, on its way to the log, or to a spool on this disk while the log does not answer. Settled without a position: on this disk.
 * Records of one key never overtake each other: what comes behind spooled records of its key is spooled as well, until these are in the log.
 */
export class SpoolingWriter implements LogWriter {
  private readonly partitions = new SpooledPartitions();
  private readonly room: WaitingRoom;
  private readonly drain: SpoolDrain;
  private readonly fullness: SpoolFullness;
  /** What an earlier run has left lies before it. */
  private leftBefore: SpoolPosition = 0;
  /** Not all of that has its answer from the log. */
  private isLeftFirst = false;
  private state: SpoolState = 'direct';
  /** Who has said last that too much is waiting. */
  private overfull: Pick<LogWriter, 'drained'>;
  private isDrainFailing = false;
  private buriedSoFar = 0;

  constructor(private readonly parts: SpoolingWriterParts) {
    const { log, disk, limits, monotonic } = parts;
    this.room = new WaitingRoom({
      write: (records) => this.write(records),
      written: (entries) => this.written(entries),
      givenUp: (entries, error) => this.givenUp(entries, error),
      monotonic,
    });
    this.overfull = log;
    this.fullness = new SpoolFullness({ ...parts, look: () => this.lookAtIdle() });
    this.drain = new SpoolDrain({
      disk,
      deliver: (record, timestampMs, settle) => void log.deliver(record, timestampMs, settle),
      partitionOf: (record) => (isLogTopic(record.topic) ? this.partitionOf(record) : undefined),
      isAway: (partition) => this.partitions.isAway(partition),
      delivered: (record, partition, at, tookMs) => this.delivered(record, partition, at, tookMs),
      buried: (record, error) => this.bury(record, error),
      setAside: (record, place, error) => this.setAside(record, place, error),
      moved: (isMarked) => this.onMoved(isMarked),
      failed: (error) => this.diskFailed(error),
      epoch: parts.clock,
      monotonic,
      recordsPerSecond: limits.drainRecordsPerSecond,
      stuckAfterMs: limits.afterMs,
    });
  }

  /** When the log is open: what an earlier run has left goes first. */
  start(): void {
    const { disk, log } = this.parts;
    log.onOverflow((topic, partition, records) => this.overflow(`${topic}/${partition}`, records));
    this.leftBefore = disk.end > disk.released ? disk.end : 0;
    this.isLeftFirst = this.leftBefore > 0;
    observeSpool(() => this.status());
    this.drain.start();
    this.look();
  }

  append<R extends NewRecord>(record: R, settle: Settle<R>): boolean {
    const { log, clock } = this.parts;
    const own = settle as Settle; // it gets its own record back
    const isDirect = this.state === 'direct' || !this.mustWait(record);
    const hasRoom = isDirect
      ? log.ingest(record, this.state === 'direct' ? own : this.trying(record, own))
      : this.spool({ record, timestampMs: clock.now(), settle: own }, this.partitionOf(record));
    if (!hasRoom) this.overfull = isDirect ? log : this.room;
    return hasRoom;
  }

  drained(listener: () => void): void {
    this.overfull.drained(listener);
  }

  status(): SpoolStatus {
    const { disk, clock } = this.parts;
    const { oldestMs } = disk;
    return {
      state: this.state,
      full: this.state === 'direct' ? undefined : this.fullness.reason, // nobody needs it then
      records: disk.records,
      bytes: disk.bytes,
      oldestAgeMs: oldestMs === undefined ? undefined : Math.max(0, clock.now() - oldestMs),
    };
  }

  /** No more goes to the log from here. */
  async stopDraining(): Promise<void> {
    await this.drain.stop();
  }

  /** After the log has given back what it did not take: that is on disk, or given up. */
  async stop(): Promise<void> {
    await this.fullness.stop();
    await this.room.stop();
    await this.drain.finish();
    await this.parts.disk.close();
  }

  private mustWait(record: NewRecord): boolean {
    return this.isLeftFirst || this.partitions.mustWait(this.partitionOf(record), record.key);
  }

  private overflow(partition: string, records: readonly TakenBack[]): void {
    for (const record of records) this.spool(record, partition);
    this.partitions.setAway(partition, true);
    this.look();
  }

  private spool(entry: TakenBack, partition: string): boolean {
    this.partitions.add(partition, entry.record.key);
    return this.room.add(entry);
  }

  private async write(records: readonly SpooledRecord[]): Promise<void> {
    const reason = this.fullness.overLimit();
    if (reason !== undefined) {
      this.fullness.refused(reason);
      throw unavailable(reason);
    }
    try {
      await this.parts.disk.append(records);
    } catch (error) {
      this.fullness.refused(reasonOf(error));
      throw error;
    }
  }

  private written(entries: readonly TakenBack[]): void {
    spooled.inc(entries.length);
    for (const entry of entries) this.settle(entry); // durable from here, on this disk
    this.drain.wake();
  }

  private givenUp(entries: readonly TakenBack[], error: FieldgateError): void {
    for (const entry of entries) {
      this.partitions.giveUp(this.partitionOf(entry.record), entry.record.key);
      this.settle(entry, error);
    }
    this.look();
  }

  /** Others wait for their turn behind one whose callback throws. */
  private settle({ record, settle }: TakenBack, error?: FieldgateError): void {
    try {
      settle(error, undefined, record);
    } catch (err) {
      this.parts.logger.error(
        { err, topic: record.topic },
        'whoever appended a record failed on its outcome',
      );
    }
  }

  /** The log is tried with a record of a partition that may be away: its answer counts for all of it. */
  private trying(record: NewRecord, settle: Settle): Settle {
    const partition = this.partitionOf(record);
    if (!this.partitions.isIdle(partition)) return settle;
    return (error, at, settled) => {
      if (at !== undefined) this.partitions.forgetIdle(partition);
      this.look();
      settle(error, at, settled);
    };
  }

  private lookAtIdle(): boolean {
    if (this.parts.log.problem() === undefined) this.partitions.forgetIdle();
    this.look();
    return this.partitions.someAreIdle;
  }

  private delivered(record: SpooledRecord, partition: string, at: SpoolPosition, tookMs: number): void {
    if (tookMs < this.parts.limits.afterMs) this.partitions.setAway(partition, false);
    if (at >= this.leftBefore) this.partitions.remove(partition, record.key);
    this.look();
  }

  /** The drain has come on. */
  private onMoved(isMarked: boolean): void {
    if (isMarked) this.isDrainFailing = false;
    if (this.isLeftFirst) this.isLeftFirst = this.drain.answered < this.leftBefore;
    if (this.leftBefore > 0 && this.drain.done >= this.leftBefore) this.leftBefore = 0;
    const isEmpty = this.room.isEmpty && this.drain.done === this.parts.disk.end;
    if (isEmpty) this.partitions.clear(); // what was damaged is never delivered
    this.look();
  }

  /** One line for each change of the state. */
  private look(): void {
    const state = this.stateNow();
    if (state === this.state) return;
    this.state = state;
    const { records, bytes } = this.status();
    const line = { records, bytes };
    if (state === 'spooling') this.parts.logger.warn(line, 'spooling: the log does not answer');
    else if (state === 'draining') this.parts.logger.info(line, 'draining: the log answers again');
    else this.parts.logger.info(line, 'direct: the spool is empty');
  }

  private stateNow(): SpoolState {
    if (this.partitions.someAreAway) return 'spooling';
    return this.partitions.isEmpty && this.leftBefore === 0 ? 'direct' : 'draining';
  }

  private diskFailed(error: unknown): void {
    if (!this.isDrainFailing) this.parts.logger.error({ err: error }, 'the spool cannot be drained');
    this.isDrainFailing = true;
  }

  private bury(record: SpooledRecord, error: FieldgateError): NewRecord {
    const number = (this.buriedSoFar += 1);
    return spoolDeadLetter(record, error, { number, atMs: this.parts.clock.now() });
  }

  private async setAside(record: SpooledRecord, place: Place, error?: FieldgateError): Promise<void> {
    const { topic, key } = record;
    const quarantineFile = await this.parts.disk.setAside(place);
    const err = error ?? new FieldgateError('record-refused', `this version has no topic ${topic}`);
    this.parts.logger.error(
      { topic, deviceId: key, err, quarantineFile },
      'spooled record refused by the log',
    );
  }

  private partitionOf({ topic, key, partitionKey }: NewRecord | SpooledRecord): string {
    return `${topic}/${this.parts.log.partitionOf(topic, partitionKey ?? key)}`;
  }
}
