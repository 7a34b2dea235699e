import type { FieldgateError } from '@fieldgate/contracts';
import { backOffMs, pause, type Clock } from '@fieldgate/service';
import type { NewRecord, Settle } from '../log-writer.js';
import type { DiskSpool, SpooledRecord, SpoolPosition } from './disk-spool.js';
import { RecordsOnTheirWay } from './records-on-their-way.js';
import { deadLetters, drained, lost } from './spool-metrics.js';
import type { Place } from './spool-quarantine.js';

/** One reading from the disk. */
const CHUNK = { maxRecords: 2_000, maxBytes: 1024 * 1024 };
/** It is not more than the rate lets through in so much time: live records get their turn in between. */
const CHUNK_SECONDS = 0.1;
/** Of one partition, on their way to the log. */
const WINDOW = 1_000;
/** The same, while the log does not take them: they only wait in memory. */
const WINDOW_WHILE_AWAY = 500;
const WINDOW_BYTES = 4 * 1024 * 1024;
/** So long it waits for partitions that have no room, then it goes on without them. */
const PATIENCE_MS = 500;
/** A mark that could not be written is written so much later. */
const MARK_AGAIN_MS = 1_000;
/** The mark on the disk follows the log by at most so much: what a crash repeats. */
const RELEASE_EVERY_MS = 100;

export interface DrainPorts {
  readonly disk: DiskSpool;
  /** Never given up while the log is open. */
  readonly deliver: (record: NewRecord, timestampMs: number, settle: Settle) => void;
  /** undefined: the log has no such topic. */
  readonly partitionOf: (record: SpooledRecord) => string | undefined;
  readonly isAway: (partition: string) => boolean;
  /** It is done with, after so long: in the log, a dead letter, or kept apart. */
  readonly delivered: (record: SpooledRecord, partition: string, at: SpoolPosition, tookMs: number) => void;
  /** What the log will never take: the dead letter that is kept instead. */
  readonly buried: (record: SpooledRecord, error: FieldgateError) => NewRecord;
  /** What the log will never have, not even as a dead letter, is kept apart. Never rejects. */
  readonly setAside: (record: SpooledRecord, place: Place, error?: FieldgateError) => Promise<void>;
  /** More is in the log, and whenever nothing is left to be sent. False: the mark on the disk could not be moved, and a crash would repeat it. */
  readonly moved: (isMarked: boolean) => void;
  /** The disk cannot be read, or the mark on it not be moved; tried again. */
  readonly failed: (error: unknown) => void;
  readonly epoch: Clock;
  readonly monotonic: Clock;
  readonly recordsPerSecond: number;
  /** A partition that has taken nothing for so long is left behind. */
  readonly stuckAfterMs: number;
}

/**
 * From the spool to the log, in the order in which records came, at a bounded rate. A partition whose leader is away or slow is left behind and
 * caught up with later; the others go on. What is not durable in the log by the end of the process is read again by the next.
 */
export class SpoolDrain {
  /** Everything before it has been sent, but for partitions that were left behind. */
  private position: SpoolPosition = 0;
  private readonly onTheirWay = new Map<string, RecordsOnTheirWay>();
  /** By partition: the first record that was not sent. */
  private readonly behind = new Map<string, SpoolPosition>();
  private readonly stopping = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private wakeUp: (() => void) | undefined;
  private isWoken = false;
  private releasing: Promise<void> = Promise.resolve();
  private releasedAt = -Infinity;
  private isMarked = true;
  private markAgain: NodeJS.Timeout | undefined;
  /** Of the monotonic clock. */
  private patienceEnds = 0;

  constructor(private readonly ports: DrainPorts) {}

  start(): void {
    this.position = this.ports.disk.released;
    this.running = this.run();
  }

  /** There is more, or the log has moved. */
  wake(): void {
    this.isWoken = true;
    this.wakeUp?.();
  }

  /** Sends no more. */
  async stop(): Promise<void> {
    this.stopping.abort();
    clearTimeout(this.markAgain);
    this.wake();
    await this.running;
  }

  /** To be called when nothing more will be settled. */
  async finish(): Promise<void> {
    await this.releasing;
    await this.release();
  }

  /** Everything before it is in the log. */
  get done(): SpoolPosition {
    let done = this.answered;
    for (const { firstRefused } of this.onTheirWay.values()) done = Math.min(done, firstRefused);
    return done;
  }

  /** The same, but for what the log has refused: its dead letters may be on their way. */
  get answered(): SpoolPosition {
    let answered = this.position;
    for (const at of this.behind.values()) answered = Math.min(answered, at);
    for (const { first } of this.onTheirWay.values()) answered = Math.min(answered, first?.at ?? answered);
    return answered;
  }

  /** Never rejects. */
  private async run(): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.step();
        failures = 0;
      } catch (error) {
        this.ports.failed(error);
        await pause(backOffMs(failures++), signal);
      }
    }
  }

  private async step(): Promise<void> {
    const { disk, monotonic } = this.ports;
    const { signal } = this.stopping;
    this.isWoken = false;
    await this.catchUp();
    const startedAt = monotonic.now();
    const { end } = disk;
    const records = await disk.read(this.position, this.chunk());
    this.patienceEnds = monotonic.now() + PATIENCE_MS;
    for (const { record, at, next } of records) {
      if (signal.aborted) return;
      const place = { from: at, to: next };
      const partition = this.ports.partitionOf(record);
      if (partition === undefined) {
        await this.ports.setAside(record, place);
        lost.inc();
      } else if (!this.behind.has(partition)) {
        if (this.hasRoom(partition) || (await this.untilRoom(partition))) this.send(record, place, partition);
        else this.behind.set(partition, at);
      }
      this.position = next;
    }
    if (records.length === 0) {
      this.position = end; // also past what is damaged
      if (this.done > disk.released || !this.isMarked) await this.release();
      else this.ports.moved(true);
      await this.woken();
    }
    await this.pace(records.length, startedAt);
  }

  /** All partitions that were left behind and take records again, in one reading: from where the first was left to where the others are. */
  private async catchUp(): Promise<void> {
    const { signal } = this.stopping;
    this.patienceEnds = this.ports.monotonic.now() + PATIENCE_MS;
    const catching = new Set<string>();
    let at = this.position;
    for (const [partition, from] of this.behind) {
      if (this.isStuck(partition) || !this.hasRoom(partition, 0.5)) continue; // for a few records the disk is not read again
      catching.add(partition);
      at = Math.min(at, from);
    }
    while (at < this.position && catching.size > 0 && !signal.aborted)
      at = await this.catchUpChunk(at, catching);
    if (!signal.aborted) for (const partition of catching) this.behind.delete(partition);
  }

  /** Returns up to where they have come. One that has no room again leaves the set, and goes on from there the next time. */
  private async catchUpChunk(from: SpoolPosition, catching: Set<string>): Promise<SpoolPosition> {
    const { disk, monotonic, partitionOf } = this.ports;
    const startedAt = monotonic.now();
    let reached = from;
    let sent = 0;
    const records = await disk.read(from, this.chunk());
    for (const { record, at, next } of records) {
      if (at >= this.position || this.stopping.signal.aborted) break;
      const partition = partitionOf(record);
      if (partition !== undefined && catching.has(partition) && at >= (this.behind.get(partition) ?? 0)) {
        if (this.hasRoom(partition) || (await this.untilRoom(partition))) {
          this.send(record, { from: at, to: next }, partition);
          this.behind.set(partition, next);
          sent += 1;
        } else {
          catching.delete(partition);
        }
      }
      reached = next;
    }
    const isOver = records.length === 0 || (records.at(-1)?.next ?? 0) >= this.position;
    if (isOver && !this.stopping.signal.aborted) reached = this.position;
    for (const partition of catching)
      this.behind.set(partition, Math.max(reached, this.behind.get(partition) ?? 0));
    await this.pace(sent, startedAt);
    return reached;
  }

  private chunk(): typeof CHUNK {
    const maxRecords = Math.min(CHUNK.maxRecords, Math.ceil(this.ports.recordsPerSecond * CHUNK_SECONDS));
    return { ...CHUNK, maxRecords };
  }

  private async pace(records: number, startedAt: number): Promise<void> {
    const { recordsPerSecond, monotonic } = this.ports;
    const pauseMs = (records / recordsPerSecond) * 1_000 - (monotonic.now() - startedAt);
    if (pauseMs >= 1) await pause(pauseMs, this.stopping.signal);
  }

  private hasRoom(partition: string, part = 1): boolean {
    const window = this.ports.isAway(partition) ? WINDOW_WHILE_AWAY : WINDOW;
    const { open = 0, openBytes = 0 } = this.onTheirWay.get(partition) ?? {};
    return open < window * part && openBytes < WINDOW_BYTES * part;
  }

  /** Waits for the partition's turn; false when it is stuck, others have waited for long enough, or the end has come. */
  private async untilRoom(partition: string): Promise<boolean> {
    const { signal } = this.stopping;
    while (!this.hasRoom(partition)) {
      const isOver = this.ports.monotonic.now() >= this.patienceEnds;
      if (signal.aborted || isOver || this.isStuck(partition)) return false;
      this.isWoken = false;
      const timer = setTimeout(() => this.wake(), RELEASE_EVERY_MS);
      await this.woken();
      clearTimeout(timer);
    }
    return !signal.aborted;
  }

  private isStuck(partition: string): boolean {
    const first = this.onTheirWay.get(partition)?.first;
    return first !== undefined && this.ports.monotonic.now() - first.sentAt > this.ports.stuckAfterMs;
  }

  private send(record: SpooledRecord, place: Place, partition: string): void {
    const { epoch, monotonic, deliver, delivered, buried, setAside } = this.ports;
    const { from: at } = place;
    const onTheirWay = this.onTheirWay.get(partition) ?? new RecordsOnTheirWay();
    this.onTheirWay.set(partition, onTheirWay);
    const entry = onTheirWay.add(at, monotonic.now(), record.value?.length ?? 0);
    const pass = (outcome: typeof drained): void => {
      outcome.inc();
      const now = monotonic.now();
      onTheirWay.settle(entry);
      delivered(record, partition, at, now - entry.sentAt);
      this.releaseSoon(now);
      this.wake();
    };
    // when it came into the log, by which the log is searched; when it came is in the record
    deliver(record, epoch.now(), (error) => {
      if (error === undefined) return pass(drained);
      if (error.retriable) return; // the log was closed: it is read again
      onTheirWay.refuse(entry);
      this.wake();
      deliver(buried(record, error), epoch.now(), (refusal) => {
        if (refusal?.retriable) return;
        if (refusal === undefined) return pass(deadLetters);
        void setAside(record, place, refusal).then(() => pass(lost));
      });
    });
  }

  private releaseSoon(now: number): void {
    if (now - this.releasedAt < RELEASE_EVERY_MS) return;
    this.releasedAt = now;
    this.releasing = this.releasing.then(() => this.release());
  }

  private async release(): Promise<void> {
    try {
      await this.ports.disk.release(this.done);
      this.isMarked = true;
    } catch (error) {
      this.isMarked = false;
      this.ports.failed(error);
      this.wakeForMark();
    }
    this.ports.moved(this.isMarked); // what is in the log is there, with a mark or without
  }

  /** Perhaps nothing else will come that would move it. */
  private wakeForMark(): void {
    clearTimeout(this.markAgain);
    if (!this.stopping.signal.aborted) this.markAgain = setTimeout(() => this.wake(), MARK_AGAIN_MS);
  }

  private woken(): Promise<void> {
    if (this.isWoken) return Promise.resolve();
    return new Promise((resolve) => (this.wakeUp = resolve));
  }
}
