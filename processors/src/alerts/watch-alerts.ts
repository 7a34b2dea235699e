import { FieldgateError, type DeviceRecord, type LogTopic, type Severity } from '@fieldgate/contracts';
import { NO_RULES, type Rules } from '@fieldgate/alert-rules';
import type { CommitLog, LogBatch, LogTable } from '@fieldgate/commit-log';
import type { Clock, Logger } from '@fieldgate/service';
import { Gauge } from 'prom-client';
import type { Refusal } from '../delivery/deliver-batch.js';
import { ArrivalClock, type Tick } from './arrival-clock.js';
import type { PartitionWatch } from './partition-watch.js';
import { recoverPartition } from './recover-partition.js';

const openGauge = new Gauge({
  name: 'fieldgate_alerts_open',
  help: 'Alerts that are open now, in the partitions of this process',
  labelNames: ['severity'],
});

export interface AlertTuning {
  /** A checkpoint after so many records, or so much time. */
  readonly checkpointRecords: number;
  readonly checkpointMs: number;
  /** How long devices have after a start or an outage before silence counts. */
  readonly settleMs: number;
  /** How often the ends of the topics are asked for. */
  readonly boundsMs: number;
}

export const ALERT_TUNING: AlertTuning = {
  checkpointRecords: 100_000,
  checkpointMs: 60_000,
  settleMs: 30_000,
  boundsMs: 1_000,
};

/** A timer that has not come for so long has missed more than its turn. */
const STALLED_MS = 10_000;
/** Devices without a registration that are remembered as such. */
const MOST_UNKNOWN = 10_000;
const SOURCES = ['fieldgate.telemetry.v1', 'fieldgate.events.v1'] as const;

interface Held {
  readonly partition: PartitionWatch;
  readonly arrival: ArrivalClock;
  checkpointedMs: number;
  isTicking: boolean;
  /** The last tick could not write, and that was said. */
  hasFailed: boolean;
}

interface Place {
  readonly topic: LogTopic;
  readonly partition: number;
  readonly registrations: Set<string>;
}

interface Parts {
  readonly log: CommitLog;
  readonly devices: LogTable<DeviceRecord>;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly logger: Logger;
}

/**
 * From readings and events to alerts, partition by partition. A batch may come again at any time: what the engine has of it is left out then,
 * and what it had to say before is told first.
 */
export class WatchAlerts {
  private readonly held = new Map<string, Held>();
  /** Also of partitions that are being recovered: no registration that changes meanwhile is missed. */
  private readonly places = new Map<string, Place>();
  private readonly unknown = new Set<string>();
  private readonly ends = new Map<string, Tick['end']>();
  private rules: Rules = NO_RULES;
  private askedMs = Number.NEGATIVE_INFINITY;
  private isAsking = false;
  private tickedMs: number | undefined;
  private readonly startedMs: number;

  constructor(
    private readonly parts: Parts,
    private readonly tuning: AlertTuning = ALERT_TUNING,
  ) {
    this.startedMs = parts.clock.now();
  }

  /** In force from the next batch or tick of each partition on. */
  useRules(rules: Rules): void {
    this.rules = rules;
  }

  deviceChanged(deviceId: string): void {
    this.unknown.delete(deviceId);
    for (const { topic, partition, registrations } of this.places.values())
      if (this.parts.log.reader.partitionOf(topic, deviceId) === partition) registrations.add(deviceId);
  }

  async follow(batch: LogBatch): Promise<readonly Refusal[]> {
    const held = await this.heldBy(batch);
    const { partition } = held;
    return partition.inTurn(async () => {
      await this.devicesKnown(batch);
      this.adopt(partition);
      await partition.tell(); // what an earlier try left, and what counts from here on
      const refused = partition.apply(batch.records);
      await partition.tell(); // durable from here: the offset moves
      await this.checkpointWhenDue(held);
      return refused;
    });
  }

  /** What no record tells of: rules, registrations, time. Called by a timer; while the log is away nothing could be told, and no time passes. */
  async due(): Promise<void> {
    const { log, clock } = this.parts;
    const nowMs = clock.now();
    const lastMs = this.tickedMs ?? nowMs;
    this.tickedMs = nowMs;
    for (const [name, { partition }] of this.held) if (!partition.assignment.isHeld()) this.drop(name);
    const isStalled = nowMs - lastMs > STALLED_MS;
    if (isStalled || log.problem() !== undefined)
      for (const { arrival } of this.held.values()) arrival.interrupted(lastMs);
    if (log.problem() !== undefined) return;
    await this.askEnds();
    await Promise.all([...this.held].map(([name, held]) => this.tick(name, held)));
  }

  /** Before an orderly stop, so that the next start has little to read. */
  async checkpoint(): Promise<void> {
    await Promise.all(
      [...this.held.values()]
        .filter(({ partition }) => isOurs(partition))
        .map(({ partition }) => partition.inTurn(() => partition.checkpoint())),
    );
  }

  private async heldBy(batch: LogBatch): Promise<Held> {
    const { topic, partition: number, assignment } = batch;
    const name = `${topic}/${number}`;
    const known = this.held.get(name);
    if (known?.partition.assignment === assignment) return known;
    const untilMs = this.places.has(name) ? this.parts.clock.now() : this.startedMs;
    this.held.delete(name);
    const registrations = new Set<string>();
    this.places.set(name, { topic, partition: number, registrations });
    const partition = await recoverPartition(batch, this.parts, { rules: this.rules, registrations });
    const arrival = new ArrivalClock(partition, this.tuning.settleMs, untilMs);
    const checkpointedMs = this.parts.monotonic.now();
    const held = { partition, arrival, checkpointedMs, isTicking: false, hasFailed: false };
    this.held.set(name, held);
    return held;
  }

  private drop(name: string): void {
    this.held.delete(name);
    this.ends.delete(name);
  }

  /** The table of devices may be a moment behind a device that was registered just now. */
  private async devicesKnown({ records }: LogBatch): Promise<void> {
    const { devices } = this.parts;
    const strangers = new Set<string>();
    for (const { key } of records)
      if (devices.get(key) === undefined && !this.unknown.has(key)) strangers.add(key);
    if (strangers.size === 0) return;
    await devices.caughtUp();
    if (this.unknown.size > MOST_UNKNOWN) this.unknown.clear();
    for (const id of strangers) if (devices.get(id) === undefined) this.unknown.add(id);
  }

  private adopt(partition: PartitionWatch): void {
    partition.useRules(this.rules);
    partition.registrationsChanged((id) => this.parts.devices.get(id) !== undefined);
  }

  private async tick(name: string, held: Held): Promise<void> {
    if (held.isTicking) return;
    const end = this.ends.get(name);
    const { partition, arrival } = held;
    held.isTicking = true;
    try {
      await partition.inTurn(async () => {
        if (!partition.assignment.isHeld()) return;
        this.adopt(partition);
        await partition.tell();
        if (end) await arrival.tick({ monotonicMs: this.parts.monotonic.now(), end });
        await this.checkpointWhenDue(held);
      });
      held.hasFailed = false;
    } catch (error) {
      if (!(error instanceof FieldgateError) || !error.retriable) throw error;
      if (!held.hasFailed) this.parts.logger.warn({ partition: name, err: error }, 'alerts not written'); // the next tick tries again
      held.hasFailed = true;
    } finally {
      held.isTicking = false;
    }
  }

  private async checkpointWhenDue(held: Held): Promise<void> {
    const { checkpointRecords, checkpointMs } = this.tuning;
    const { partition } = held;
    if (!isOurs(partition)) return;
    const now = this.parts.monotonic.now();
    const isDue =
      partition.recordsSinceCheckpoint >= checkpointRecords ||
      (partition.recordsSinceCheckpoint > 0 && now - held.checkpointedMs >= checkpointMs);
    if (!isDue) return;
    await partition.checkpoint();
    held.checkpointedMs = now;
  }

  /** All topics at once, and not at every tick: Kafka is asked over the network. */
  private async askEnds(): Promise<void> {
    const { log, clock, monotonic, logger } = this.parts;
    if (this.isAsking || monotonic.now() - this.askedMs < this.tuning.boundsMs) return;
    this.isAsking = true;
    this.askedMs = monotonic.now();
    const askedAtMs = clock.now();
    try {
      for (const topic of SOURCES)
        for (const { partition, end } of await log.reader.bounds(topic))
          this.ends.set(`${topic}/${partition}`, { offset: end, askedAtMs });
    } catch (error) {
      if (!(error instanceof FieldgateError) || !error.retriable) throw error;
      logger.warn({ err: error }, 'ends of the log not known'); // no time passes until they are
    } finally {
      this.isAsking = false;
    }
    this.showOpen();
  }

  private showOpen(): void {
    const open: Record<Severity, number> = { info: 0, warning: 0, critical: 0 };
    for (const { partition } of this.held.values())
      for (const severity of partition.open.values()) open[severity] += 1;
    for (const [severity, count] of Object.entries(open)) openGauge.set({ severity }, count);
  }
}

/** Another member may be writing the same rows; ours would say less. */
function isOurs({ assignment }: PartitionWatch): boolean {
  return assignment.isHeld() && assignment.isAlone();
}
