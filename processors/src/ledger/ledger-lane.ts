import {
  isRejection,
  LEDGER_TOPICS,
  type DeviceLedger,
  type LedgerTopic,
  type StoredTopic,
} from '@fieldgate/contracts';
import {
  inBatches,
  type CommitLog,
  type LogBatch,
  type LogRecord,
  type PartitionAssignment,
} from '@fieldgate/commit-log';
import type { Clock, Logger } from '@fieldgate/service';
import { LEDGER } from '../consumer-groups.js';
import { mustBeAlone } from '../delivery/must-be-alone.js';
import { countRecord } from './count-record.js';
import { DeviceFold } from './device-fold.js';
import { LedgerStates } from './ledger-states.js';
import { SideRecords, type AnewSide } from './side-records.js';
import type { StoragePlace } from './waiting-for-store.js';

const TELEMETRY = 'fieldgate.telemetry.v1';

export interface LedgerLaneParts {
  readonly log: CommitLog;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Which devices there are. */
export interface RegisteredDevices {
  get(deviceId: string): unknown;
  /** Resolves when it knows all that were registered before. */
  caughtUp(): Promise<void>;
}

/**
 * The ledger of all devices of one partition of the telemetry topic. Counting has no effect but the counts, so it is exactly once when they are
 * kept together with the offsets that they include: after a crash the records from there on are counted again, on what was counted before.
 */
export class LedgerLane {
  readonly devices = new Map<string, DeviceFold>();
  private readonly changed = new Set<string>();
  /** Devices of which something waits for the store. */
  private readonly waiting = new Set<string>();
  /** Devices that may have a row, and must have none. */
  private readonly gone = new Set<string>();
  /** What the rows that were read include already. */
  private readonly included = new Map<string, Readonly<Record<LedgerTopic, number>>>();
  private nextTelemetry = 0;
  /** Not all readings are counted that came before. */
  private since = 0;
  /** When the newest of the readings was appended that are counted. */
  private reachedMs = 0;
  private hasMoved = false;
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly assignment: PartitionAssignment,
    private readonly parts: LedgerLaneParts,
    private readonly states: LedgerStates,
    private readonly side: SideRecords,
  ) {}

  /** As its last holder left it, and the records since, up to where the batch begins. */
  static async recover(batch: LogBatch, parts: LedgerLaneParts): Promise<LedgerLane> {
    const { partition, assignment } = batch;
    const { log, clock, logger } = parts;
    mustBeAlone(assignment); // it must not claim from one that it does not know of yet
    const states = new LedgerStates(log, clock, logger, partition);
    const side = new SideRecords(log.reader, partition, clock);
    const lane = new LedgerLane(assignment, parts, states, side);
    const { lane: row, devices, uncertain, unreadable, writtenOver } = await states.takeOver();
    const kept = row?.next[`${TELEMETRY}/${partition}`];
    const bounds = (await log.reader.bounds(TELEMETRY)).find((each) => each.partition === partition);
    const { earliest, end } = bounds ?? { earliest: 0, end: 0 };
    const isAnew = assignment.isAnew?.() === true;
    const isOfThisLog = kept !== undefined && kept <= end && !isAnew;
    lane.nextTelemetry = isOfThisLog ? kept : batch.from;
    const isWhole = isOfThisLog ? kept >= earliest : row === undefined && batch.from === 0;
    lane.since = isWhole ? (row?.since ?? 0) : await lane.timeOfNext(batch);
    if (row === undefined || isOfThisLog) {
      for (const device of devices) lane.take(device, uncertain.includes(device));
      for (const deviceId of unreadable) lane.countAnew(deviceId);
    } else {
      // of the log that was there before
      for (const { deviceId } of devices) lane.gone.add(deviceId);
      for (const deviceId of unreadable) lane.gone.add(deviceId);
    }
    await lane.side.start(isOfThisLog ? (row?.next ?? {}) : {});
    await lane.replay(batch);
    for (const id of writtenOver.devices) (lane.devices.has(id) ? lane.changed : lane.gone).add(id);
    lane.hasMoved ||= writtenOver.lane || writtenOver.devices.length > 0;
    if (!isOfThisLog) await lane.begin();
    return lane;
  }

  /** One at a time: a batch, or what the timer does. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined); // whoever asked for it hears of the failure
    return result;
  }

  /** Readings, and between them what was appended beside them meanwhile: a number that an event has is no gap between readings. */
  async follow(records: readonly LogRecord[]): Promise<void> {
    const [oldest, newest] = [records[0], records.at(-1)];
    if (oldest === undefined || newest === undefined) return;
    await this.countSide(oldest.timestampMs);
    const beside = byTime((await this.side.takeUpTo(newest.timestampMs)).records);
    let next = 0;
    for (const record of records) {
      for (
        let side = beside[next];
        side && side.timestampMs <= record.timestampMs;
        side = beside[(next += 1)]
      )
        this.count(side);
      if (record.offset >= this.nextTelemetry) this.count(record); // else the batch comes again
    }
    for (const record of beside.slice(next)) this.count(record);
    this.nextTelemetry = Math.max(this.nextTelemetry, newest.offset + 1);
    this.reachedMs = newest.timestampMs;
    await this.countSide(newest.timestampMs);
  }

  /** What comes beside the readings; ahead of them only when there are none to be counted. */
  async followSide(telemetryEnd: number): Promise<void> {
    await this.lookBeside();
    await this.countSide(this.nextTelemetry >= telemetryEnd ? Number.POSITIVE_INFINITY : this.reachedMs);
  }

  storedUpTo(topic: StoredTopic, places: ReadonlyMap<number, StoragePlace>): void {
    for (const deviceId of this.waiting) {
      const device = this.devices.get(deviceId);
      const place = places.get(this.parts.log.reader.partitionOf(topic, deviceId));
      if (!device || place === undefined) continue;
      if (device.storedUpTo(topic, place)) this.changed.add(deviceId);
      if (!device.isWaiting) this.waiting.delete(deviceId);
    }
  }

  /** Nobody is shown the ledger of a device that is no more, and no sum has it. */
  async dropAllBut(registered: RegisteredDevices): Promise<void> {
    const others: string[] = [];
    for (const id of this.devices.keys()) if (registered.get(id) === undefined) others.push(id);
    if (others.length === 0) return;
    await registered.caughtUp(); // whoever has sent what is counted was there before
    for (const id of others) {
      if (registered.get(id) !== undefined) continue;
      this.devices.delete(id);
      this.changed.delete(id);
      this.waiting.delete(id);
      this.gone.add(id);
    }
  }

  get changes(): number {
    return this.changed.size + this.gone.size;
  }

  /**
   * Devices first: if it ends in the middle, their rows are newer than that of the lane, and say so. Throws `log-unavailable` when another may
   * hold the partition by now, also in the middle: it may have frozen anywhere.
   */
  async checkpoint(): Promise<void> {
    if (!this.hasMoved && this.changes === 0) return;
    mustBeAlone(this.assignment);
    const changed = [...this.changed];
    const gone = [...this.gone].filter((id) => !this.devices.has(id));
    const rows = changed.flatMap((id) => this.devices.get(id)?.row(this.nextOf(id)) ?? []);
    await this.states.writeDevices(rows);
    mustBeAlone(this.assignment);
    await this.states.remove(gone);
    mustBeAlone(this.assignment);
    const { partition } = this.assignment;
    await this.states.writeLane({
      kind: 'lane',
      since: this.since,
      next: { ...this.side.next(), [`${TELEMETRY}/${partition}`]: this.nextTelemetry },
    });
    for (const id of changed) this.changed.delete(id);
    this.gone.clear();
    this.hasMoved = false;
  }

  /** At once: whoever takes over before the first checkpoint would not know that it has not begun where the group is by then. */
  private async begin(): Promise<void> {
    this.hasMoved = true;
    await this.checkpoint();
  }

  private async replay({ partition, from: to }: LogBatch): Promise<void> {
    await this.lookBeside();
    const range = { partition, from: this.nextTelemetry, to };
    for await (const records of inBatches(this.parts.log.reader.read(TELEMETRY, range)))
      await this.follow(records);
    this.nextTelemetry = Math.max(this.nextTelemetry, to);
  }

  private async countSide(untilMs: number): Promise<void> {
    while (this.side.hasMore) {
      const { records, advances } = await this.side.takeUpTo(untilMs);
      for (const record of byTime(records)) this.count(record);
      if (!advances) return;
    }
  }

  private async lookBeside(): Promise<void> {
    for (const anew of await this.side.look()) this.beginAnew(anew);
  }

  /** Offsets of the topic that was there before say nothing any more, also those in the rows. */
  private beginAnew({ topic, partition }: AnewSide): void {
    const { log, logger } = this.parts;
    logger.warn(
      { group: LEDGER.group, topic, partition },
      'topic was made again, it is read from its beginning',
    );
    for (const [id, next] of this.included)
      if (log.reader.partitionOf(topic, id) === partition) this.included.set(id, { ...next, [topic]: 0 });
    for (const id of this.devices.keys())
      if (log.reader.partitionOf(topic, id) === partition) this.changed.add(id);
  }

  /** `isUncertain`: there may be records between what it includes and what is counted next. */
  private take(device: DeviceLedger, isUncertain: boolean): void {
    const id = device.deviceId;
    const since = isUncertain ? this.parts.clock.now() : this.since;
    this.devices.set(id, new DeviceFold(id, device, since));
    this.included.set(id, device.next);
    this.waiting.add(id);
  }

  /** What its row had is lost: connections that it had until now have more than what is counted. */
  private countAnew(id: string): void {
    this.devices.set(id, new DeviceFold(id, undefined, this.parts.clock.now()));
    this.changed.add(id);
  }

  /** When the first of the readings was appended that are counted. */
  private async timeOfNext({ partition, records }: LogBatch): Promise<number> {
    const to = (records.at(-1)?.offset ?? 0) + 1;
    const range = { partition, from: this.nextTelemetry, to };
    for await (const { timestampMs } of this.parts.log.reader.read(TELEMETRY, range)) return timestampMs;
    return this.parts.clock.now();
  }

  /** What is not understood counts as nothing: the storage group keeps it as a dead letter. */
  private count(record: LogRecord): void {
    const { topic, key, offset } = record;
    this.hasMoved = true;
    const included = this.included.get(key);
    if (included && offset < included[topic as LedgerTopic]) return; // one of them: no other is read here
    const device = this.devices.get(key) ?? new DeviceFold(key, undefined, this.since);
    if (isRejection(countRecord(device, record))) return;
    this.devices.set(key, device);
    this.changed.add(key);
    this.waiting.add(key);
  }

  private nextOf(deviceId: string): Record<LedgerTopic, number> {
    const included = this.included.get(deviceId);
    const of = (topic: LedgerTopic): number => {
      const next = topic === TELEMETRY ? this.nextTelemetry : this.side.nextOf(deviceId, topic);
      return Math.max(next, included?.[topic] ?? 0); // its row was newer than that of the partition
    };
    const [telemetry, events, letters, reports] = LEDGER_TOPICS;
    return {
      [telemetry]: of(telemetry),
      [events]: of(events),
      [letters]: of(letters),
      [reports]: of(reports),
    };
  }
}

/** Stable: what is of one partition stays in its order. */
function byTime(records: LogRecord[]): LogRecord[] {
  return records.toSorted((a, b) => a.timestampMs - b.timestampMs);
}
