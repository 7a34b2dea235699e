import { FieldgateError, isRejection, type Severity } from '@fieldgate/contracts';
import { believedArrival, type AlertTransition, type AlertWatch, type Rules } from '@fieldgate/alert-rules';
import type { LogRecord, PartitionAssignment } from '@fieldgate/commit-log';
import type { Clock } from '@fieldgate/service';
import { Counter } from 'prom-client';
import type { Refusal } from '../delivery/deliver-batch.js';
import type { AlertCheckpoints, ClockTick, DeviceRow, Doubt } from './alert-checkpoints.js';
import type { AlertOutbox } from './alert-outbox.js';
import type { SourcePartition } from './alert-source.js';
import type { CheckpointRefusals } from './checkpoint-refusals.js';
import { judgeable } from './judgeable.js';

const lateTotal = new Counter({
  name: 'fieldgate_alerts_late_readings_total',
  help: 'Readings that came later than the lateness of the rules allows',
});
const clockStepsTotal = new Counter({
  name: 'fieldgate_alerts_clock_steps_total',
  help: 'Device clocks that were seen to jump back',
});

const aheadTotal = new Counter({
  name: 'fieldgate_alerts_arrivals_ahead_total',
  help: 'Records that say they arrive later than the clock of the alerts group',
});

/** Moments at which time has changed something, and batches with arrivals in doubt, remembered between two checkpoints. */
const MOST_TICKS = 500;

/** What an earlier run has done to the engine beside the records. */
export interface Replay {
  /** The engine has this record of this device already. */
  readonly isIn: (record: LogRecord, deviceId: string) => boolean;
  readonly passed: { before(offset: number): void };
  /** When the record was judged, where that made a difference. */
  readonly judgedAt: (offset: number) => number | undefined;
}

const LIVE: Replay = {
  isIn: () => false,
  passed: { before: () => undefined },
  judgedAt: () => undefined,
};

/**
 * The engine of one partition, and what of it is durable. What a record causes needs nothing but the record: it is read again from the last
 * checkpoint on. What comes from outside is in no record, so it is written before anything is told of it: of time that passes, and of arrivals
 * that were not believed, when that was; of rules and registrations, the memory of the devices that they concern, together with what is to be told.
 */
export class PartitionWatch {
  /** Records before it are in the engine. */
  nextOffset = 0;
  /** Or since the log refused one. */
  recordsSinceCheckpoint = 0;
  /** Severities of what is open, by alert: looking at all devices for them would take long. */
  readonly open = new Map<string, Severity>();
  private limit: number | undefined;
  /** What the engine takes for granted now must be durable before it takes another record. */
  private mustCheckpoint = false;
  private alertsFrom: Readonly<Record<string, number>> = {};
  private readonly changed = new Set<string>();
  /** Devices that have a row. */
  private readonly stored = new Set<string>();
  /** Devices changed from outside, whose memory is not durable yet: nothing of theirs may be told before. */
  private readonly unwritten = new Set<string>();
  private ticks: ClockTick[] = [];
  private doubts: Doubt[] = [];
  private passedUnwritten = false;
  private ahead = 0;
  private counted = { late: 0, steps: 0, ahead: 0 };
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    readonly source: SourcePartition,
    readonly assignment: PartitionAssignment,
    readonly engine: AlertWatch,
    private rules: Rules,
    /** Devices whose registration has changed; others add to it. */
    readonly registrations: Set<string>,
    private readonly parts: {
      readonly checkpoints: AlertCheckpoints;
      readonly outbox: AlertOutbox;
      readonly refusals: CheckpointRefusals;
      readonly clock: Clock;
    },
  ) {}

  /** One at a time: a batch, or what the timer does. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined); // whoever asked for it hears of the failure
    return result;
  }

  /** Restores what was so before; `alertsFrom` as in the row of the partition. */
  begin(at: {
    readonly nextOffset: number;
    readonly limitMs?: number | undefined;
    readonly alertsFrom: Readonly<Record<string, number>>;
  }): void {
    this.nextOffset = at.nextOffset;
    this.limit = at.limitMs;
    this.alertsFrom = at.alertsFrom;
  }

  keepsRowsOf(devices: readonly string[]): void {
    for (const id of devices) this.stored.add(id);
  }

  /** Everything is refused again that was refused before: its dead letter may be missing. */
  apply(records: readonly LogRecord[], { isIn, passed, judgedAt }: Replay = LIVE): Refusal[] {
    const { engine, ahead } = this;
    const from = this.nextOffset;
    const nowMs = this.parts.clock.now();
    const refused: Refusal[] = [];
    for (const [index, record] of records.entries()) {
      const read = judgeable(record);
      if (isRejection(read)) {
        refused.push({ index, code: read.code, detail: read.detail });
        continue;
      }
      if (record.offset < this.nextOffset) continue;
      passed.before(record.offset);
      const arrived = believedArrival(read, judgedAt(record.offset) ?? nowMs);
      const { deviceId, receivedMs } = arrived;
      if (arrived !== read) this.ahead += 1;
      else if (this.limit === undefined || receivedMs <= this.limit) engine.passTo(receivedMs);
      if (isIn(record, deviceId)) continue;
      if ('readings' in arrived) engine.reading(arrived);
      else engine.event(arrived);
    }
    const last = records.at(-1);
    if (last) this.nextOffset = Math.max(this.nextOffset, last.offset + 1);
    if (this.ahead > ahead) this.doubt({ from, to: this.nextOffset, nowMs });
    this.recordsSinceCheckpoint += records.length;
    this.say(engine.takeTransitions());
    return refused;
  }

  /** Something that no record tells of. */
  fromOutside(change: (engine: AlertWatch) => void): void {
    change(this.engine);
    const transitions = this.engine.takeTransitions();
    for (const { alert } of transitions) this.unwritten.add(alert.deviceId);
    this.say(transitions);
  }

  /** Time without a record. What it changes nothing in need not be remembered. */
  passTo(arrivalMs: number): void {
    const { engine } = this;
    for (const id of engine.takeChanged()) this.changed.add(id);
    engine.passTo(arrivalMs);
    const changed = engine.takeChanged();
    const transitions = engine.takeTransitions();
    if (changed.length === 0 && transitions.length === 0) return;
    for (const id of changed) this.changed.add(id);
    this.say(transitions);
    this.ticks.push({ offset: this.nextOffset, clockMs: arrivalMs });
    this.passedUnwritten = true;
    if (this.ticks.length > MOST_TICKS) this.mustCheckpoint = true;
  }

  /** Rules count from a checkpoint on: what the old ones have judged must not be judged again by these. */
  useRules(rules: Rules): void {
    if (rules.text === this.rules.text) return;
    this.fromOutside((engine) => engine.useRules(rules));
    this.rules = rules;
    this.mustCheckpoint = true;
  }

  /** See `limitMs` in the row of a partition; counts from a checkpoint on, so that a replay moves the clock by the same records. */
  limitClock(limitMs: number | undefined): void {
    if (this.limit === limitMs) return;
    this.limit = limitMs;
    this.mustCheckpoint = true;
  }

  registrationsChanged(isRegistered: (deviceId: string) => boolean): void {
    if (this.registrations.size === 0) return;
    this.fromOutside((engine) => {
      for (const id of this.registrations) {
        if (isRegistered(id)) engine.watch(id);
        engine.deviceChanged(id);
      }
    });
    this.registrations.clear();
  }

  /** Resolves when all that the engine has to say is durable, and it may take the next records. */
  async tell(): Promise<void> {
    const { refusals, outbox } = this.parts;
    const { topic, partition } = this.source;
    if (await refusals.isRefused(() => this.remember()))
      throw new FieldgateError('log-unavailable', `the log refuses a checkpoint of ${topic}/${partition}`); // a replay would say something else
    await outbox.flush();
    this.count();
  }

  /** When the log refuses it, it is put off: a recovery reads on from the one before, and says the same. */
  async checkpoint(): Promise<void> {
    if (await this.parts.refusals.isRefused(() => this.write())) this.recordsSinceCheckpoint = 0;
  }

  /** What must be durable before anything is told of it. */
  private async remember(): Promise<void> {
    if (this.mustCheckpoint) await this.write();
    if (this.passedUnwritten) {
      await this.parts.checkpoints.writePassed(this.source, { ticks: this.ticks, doubts: this.doubts });
      this.passedUnwritten = false;
    }
    if (this.unwritten.size > 0) {
      await this.writeDevices(this.unwritten);
      this.unwritten.clear();
    }
  }

  /** Devices first: if it ends in the middle, their rows are newer than the partition's, and say so. */
  private async write(): Promise<void> {
    const { checkpoints, outbox, refusals } = this.parts;
    for (const id of this.engine.takeChanged()) this.changed.add(id);
    const alertsFrom = outbox.isEmpty ? await outbox.end(this.source) : this.alertsFrom;
    await this.writeDevices(new Set([...this.changed, ...this.unwritten, ...outbox.pending().keys()]));
    await checkpoints.writePartition(this.source, {
      nextOffset: this.nextOffset,
      ...(this.limit === undefined ? {} : { limitMs: this.limit }),
      alertsFrom,
      rules: this.rules.text,
      memory: this.engine.memory(),
    });
    refusals.isOver();
    this.mustCheckpoint = false;
    this.alertsFrom = alertsFrom;
    this.changed.clear();
    this.unwritten.clear();
    this.ticks = [];
    this.doubts = [];
    this.passedUnwritten = false;
    this.recordsSinceCheckpoint = 0;
  }

  private doubt(doubt: Doubt): void {
    this.doubts.push(doubt);
    this.passedUnwritten = true;
    if (this.doubts.length > MOST_TICKS) this.mustCheckpoint = true;
  }

  private say(transitions: readonly AlertTransition[]): void {
    this.parts.outbox.add(transitions);
    for (const { change, alert } of transitions) {
      if (change === 'cleared') this.open.delete(alert.id);
      else this.open.set(alert.id, alert.severity);
    }
  }

  /** What happened until now was counted by an earlier run. */
  countFromHere(): void {
    this.counted = { late: this.engine.lateReadings, steps: this.engine.clockSteps, ahead: this.ahead };
  }

  /** A device of which nothing is remembered needs no row, but must not keep an old one. */
  private async writeDevices(devices: ReadonlySet<string>): Promise<void> {
    const { checkpoints, outbox } = this.parts;
    const allPending = outbox.pending();
    const rows: Omit<DeviceRow, 'kind'>[] = [];
    for (const deviceId of devices) {
      const memory = this.engine.deviceMemory(deviceId);
      const pending = allPending.get(deviceId) ?? [];
      const isEmpty = memory === undefined && pending.length === 0;
      if (!isEmpty || this.stored.has(deviceId))
        rows.push({ deviceId, nextOffset: this.nextOffset, memory, pending });
    }
    await checkpoints.writeDevices(this.source, rows);
    for (const { deviceId, memory, pending } of rows) {
      if (memory === undefined && pending.length === 0) this.stored.delete(deviceId);
      else this.stored.add(deviceId);
    }
  }

  private count(): void {
    const { lateReadings, clockSteps } = this.engine;
    lateTotal.inc(lateReadings - this.counted.late);
    clockStepsTotal.inc(clockSteps - this.counted.steps);
    aheadTotal.inc(this.ahead - this.counted.ahead);
    this.countFromHere();
  }
}
