import { encodeDeadLetter, type FieldgateError, type LogTopic } from '@fieldgate/contracts';
import { pause, type Clock, type Logger } from '@fieldgate/service';
import { reasonOf, unavailable } from '../kafka/protocol/protocol-codes.js';
import type { Overflow, TakenBack } from '../kafka/writing/unsettled-records.js';
import type { LogWriter, NewRecord, Settle } from '../log-writer.js';
import type { DiskSpool, SpooledRecord, SpoolPosition } from './disk-spool.js';
import { SpoolDrain } from './spool-drain.js';
import { deadLetters, drained, lost, observeSpool, spooled } from './spool-metrics.js';
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
}

export interface SpoolLimits {
  /** Above this the spool takes no more. */
  readonly maxBytes: number;
  /** The same, when the oldest record is older. */
  readonly maxAgeMs: number;
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

/** Below this part of the limit a spool that was full takes devices in again. */
const ROOMY = 0.9;
const PROBE_EVERY_MS = 1_000;

/**
 * What devices send, on its way to the log, or to a spool on this disk while the log does not answer. Settled without a position: on this disk.
 * Records of one key never overtake each other: what comes behind spooled records of its key is spooled as well, until these are in the log.
 */
export class SpoolingWriter implements LogWriter {
  private readonly partitions = new SpooledPartitions();
  private readonly room: WaitingRoom;
  private readonly drain: SpoolDrain;
  /** What an earlier run has left lies before it. */
  private leftBefore: SpoolPosition = 0;
  private state: SpoolState = 'direct';
  private full: string | undefined;
  /** Who has said last that too much is waiting. */
  private overfull: Pick<LogWriter, 'drained'>;
  private readonly stopping = new AbortController();
  private probing: Promise<void> = Promise.resolve();
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
    this.drain = new SpoolDrain({
      disk,
      deliver: (record, timestampMs, settle) => void log.deliver(record, timestampMs, settle),
      partitionOf: (record) => this.partitionOf(record),
      isAway: (partition) => this.partitions.isAway(partition),
      delivered: (record, partition, at, tookMs) => this.delivered(record, partition, at, tookMs),
      buried: (record, error) => this.bury(record, error),
      lost: (record, error) => this.lose(record, error),
      moved: () => this.onMoved(),
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
    observeSpool(() => this.status());
    this.drain.start();
    this.look();
  }

  append<R extends NewRecord>(record: R, settle: Settle<R>): boolean {
    const { log, clock } = this.parts;
    const own = settle as Settle; // it gets its own record back
    const isDirect = this.state === 'direct' || !this.mustWait(record);
    const hasRoom = isDirect
      ? log.ingest(record, own)
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
      full: this.state === 'direct' ? undefined : this.full, // nobody needs it then
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
    this.stopping.abort();
    await this.probing;
    await this.room.stop();
    await this.drain.finish();
    await this.parts.disk.close();
  }

  private mustWait(record: NewRecord): boolean {
    return this.leftBefore > 0 || this.partitions.mustWait(this.partitionOf(record), record.key);
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
    const reason = this.noRoom(1);
    if (reason !== undefined) {
      this.setFull(reason);
      throw unavailable(reason);
    }
    try {
      await this.parts.disk.append(records);
    } catch (error) {
      this.setFull(reasonOf(error));
      throw error;
    }
  }

  private noRoom(partOfLimit: number): string | undefined {
    const { disk, limits } = this.parts;
    if (disk.bytes >= limits.maxBytes * partOfLimit)
      return `the spool has ${disk.bytes} bytes, its limit is ${limits.maxBytes}`;
    const { oldestAgeMs = 0 } = this.status();
    if (oldestAgeMs > limits.maxAgeMs)
      return `the oldest record in the spool is ${Math.round(oldestAgeMs / 3_600_000)} hours old`;
    return undefined;
  }

  private written(entries: readonly TakenBack[]): void {
    spooled.inc(entries.length);
    for (const { record, settle } of entries) settle(undefined, undefined, record); // durable from here, on this disk
    this.drain.wake();
  }

  private givenUp(entries: readonly TakenBack[], error: FieldgateError): void {
    for (const { record, settle } of entries) {
      this.partitions.remove(this.partitionOf(record), record.key);
      settle(error, undefined, record);
    }
    this.look();
  }

  private delivered(record: SpooledRecord, partition: string, at: SpoolPosition, tookMs: number): void {
    drained.inc();
    if (tookMs < this.parts.limits.afterMs) this.partitions.setAway(partition, false);
    if (at >= this.leftBefore) this.partitions.remove(partition, record.key);
    this.look();
  }

  /** The drain has come on, and what lies behind it was let go from the disk. */
  private onMoved(): void {
    this.isDrainFailing = false;
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

  private setFull(reason: string): void {
    if (this.full === undefined) {
      this.parts.logger.error({ reason }, 'the spool takes no more: devices are turned away');
      this.probing = this.probe();
    }
    this.full = reason;
  }

  /** While devices are turned away nobody writes: whether there is room again has to be looked for. */
  private async probe(): Promise<void> {
    const { signal } = this.stopping;
    do await pause(PROBE_EVERY_MS, signal);
    while (!signal.aborted && !(await this.hasRoomAgain()));
    this.full = undefined;
    if (!signal.aborted) this.parts.logger.info('the spool takes records again');
  }

  private async hasRoomAgain(): Promise<boolean> {
    if (this.noRoom(ROOMY) !== undefined) return false;
    return this.parts.disk.probe().then(
      () => true,
      () => false, // the reason has been told
    );
  }

  private diskFailed(error: unknown): void {
    if (!this.isDrainFailing) this.parts.logger.error({ err: error }, 'the spool cannot be drained');
    this.isDrainFailing = true;
  }

  private bury({ topic, key, value }: SpooledRecord, error: FieldgateError): NewRecord {
    const { clock } = this.parts;
    deadLetters.inc();
    return {
      topic: 'fieldgate.dead-letters.v1',
      key,
      value: encodeDeadLetter({
        deviceId: key,
        id: `spool-${topic}-${clock.now()}-${(this.buriedSoFar += 1)}`,
        code: error.code,
        detail: error.message,
        origin: { kind: 'spool', topic },
        payload: (value ?? new Uint8Array()).subarray(0, KEPT_BYTES),
        atMs: clock.now(),
      }),
    };
  }

  private lose({ topic, key }: SpooledRecord, error: FieldgateError): void {
    lost.inc();
    this.parts.logger.error({ topic, deviceId: key, err: error }, 'spooled record refused by the log');
  }

  private partitionOf({ topic, key, partitionKey }: NewRecord | SpooledRecord): string {
    return `${topic}/${this.parts.log.partitionOf(topic, partitionKey ?? key)}`;
  }
}

/** base64 of more would not fit into one record of the log. */
const KEPT_BYTES = 512 * 1024;
