import { isRejection, LEDGER_TOPICS, type LedgerTopic, type StoredTopic } from '@fieldgate/contracts';
import type { CommitLog, LogBatch, LogRecord, PartitionAssignment } from '@fieldgate/commit-log';
import type { Clock } from '@fieldgate/service';
import { countRecord } from './count-record.js';
import { DeviceFold } from './device-fold.js';
import { LedgerStates } from './ledger-states.js';
import { SideRecords } from './side-records.js';

const TELEMETRY = 'fieldgate.telemetry.v1';
const REPLAY_RECORDS = 2_000;

/**
 * The ledger of all devices of one partition of the telemetry topic. Counting has no effect but the counts, so it is exactly once when they are
 * kept together with the offsets that they include: after a crash the records from there on are counted again, on what was counted before.
 */
export class LedgerLane {
  readonly devices = new Map<string, DeviceFold>();
  private readonly changed = new Set<string>();
  /** Devices of which something waits for the store. */
  private readonly waiting = new Set<string>();
  /** What the rows that were read include already. */
  private included = new Map<string, Readonly<Record<LedgerTopic, number>>>();
  private nextTelemetry = 0;
  /** When the newest of the readings was appended that are counted. */
  private reachedMs = 0;
  private hasMoved = false;
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly assignment: PartitionAssignment,
    private readonly log: CommitLog,
    private readonly states: LedgerStates,
    private readonly side: SideRecords,
  ) {}

  /** As its last holder left it, and the records since, up to where the batch begins. */
  static async recover(batch: LogBatch, log: CommitLog, clock: Clock): Promise<LedgerLane> {
    const { partition, assignment } = batch;
    const states = new LedgerStates(log, clock, partition);
    const lane = new LedgerLane(assignment, log, states, new SideRecords(log.reader, partition));
    const { lane: row, devices } = await states.read();
    const kept = row?.next[`${TELEMETRY}/${partition}`];
    const end = (await log.reader.bounds(TELEMETRY)).find((each) => each.partition === partition)?.end ?? 0;
    const isOfThisLog = kept !== undefined && kept <= end;
    for (const device of row !== undefined && !isOfThisLog ? [] : devices) {
      lane.devices.set(device.deviceId, new DeviceFold(device.deviceId, device));
      lane.included.set(device.deviceId, device.next);
      lane.waiting.add(device.deviceId);
    }
    lane.nextTelemetry = isOfThisLog ? kept : batch.from;
    await lane.side.start(isOfThisLog ? (row?.next ?? {}) : {});
    await lane.replay(batch);
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
    const beside = byTime(await this.side.takeUpTo(newest.timestampMs));
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
    await this.side.look();
    await this.countSide(this.nextTelemetry >= telemetryEnd ? Number.POSITIVE_INFINITY : this.reachedMs);
  }

  storedUpTo(topic: StoredTopic, committed: ReadonlyMap<number, number>): void {
    for (const deviceId of this.waiting) {
      const device = this.devices.get(deviceId);
      const offset = committed.get(this.log.reader.partitionOf(topic, deviceId));
      if (!device || offset === undefined) continue;
      if (device.storedUpTo(topic, offset)) this.changed.add(deviceId);
      if (!device.isWaiting) this.waiting.delete(deviceId);
    }
  }

  get changes(): number {
    return this.changed.size;
  }

  /** Devices first: if it ends in the middle, their rows are newer than that of the lane, and say so. */
  async checkpoint(): Promise<void> {
    if (!this.hasMoved && this.changed.size === 0) return;
    const changed = [...this.changed];
    const rows = changed.flatMap((id) => this.devices.get(id)?.row(this.nextOf(id)) ?? []);
    await this.states.writeDevices(rows);
    const { partition } = this.assignment;
    await this.states.writeLane({
      kind: 'lane',
      next: { ...this.side.next(), [`${TELEMETRY}/${partition}`]: this.nextTelemetry },
    });
    for (const id of changed) this.changed.delete(id);
    this.hasMoved = false;
  }

  private async replay({ partition, from: to }: LogBatch): Promise<void> {
    await this.side.look();
    let records: LogRecord[] = [];
    for await (const record of this.log.reader.read(TELEMETRY, { partition, from: this.nextTelemetry, to })) {
      records.push(record);
      if (records.length < REPLAY_RECORDS) continue;
      await this.follow(records);
      records = [];
    }
    await this.follow(records);
    this.nextTelemetry = Math.max(this.nextTelemetry, to);
  }

  private async countSide(untilMs: number): Promise<void> {
    while (this.side.hasMore) {
      const records = await this.side.takeUpTo(untilMs);
      if (records.length === 0) return;
      for (const record of byTime(records)) this.count(record);
    }
  }

  /** What is not understood counts as nothing: the storage group keeps it as a dead letter. */
  private count(record: LogRecord): void {
    const { topic, key, offset } = record;
    this.hasMoved = true;
    const included = this.included.get(key);
    if (included && offset < included[topic as LedgerTopic]) return; // one of them: no other is read here
    const device = this.devices.get(key) ?? new DeviceFold(key);
    if (isRejection(countRecord(device, record))) return;
    this.devices.set(key, device);
    this.changed.add(key);
    this.waiting.add(key);
  }

  private nextOf(deviceId: string): Record<LedgerTopic, number> {
    const of = (topic: LedgerTopic): number =>
      topic === TELEMETRY ? this.nextTelemetry : this.side.nextOf(deviceId, topic);
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
