import {
  AlertWatch,
  rulesOfRow,
  type AlertTransition,
  type DeviceFacts,
  type Rules,
} from '@fieldgate/alert-rules';
import { isRejection, type Alert, type DeviceRecord } from '@fieldgate/contracts';
import { inBatches, type CommitLog, type LogBatch, type LogTable } from '@fieldgate/commit-log';
import type { Clock, Logger } from '@fieldgate/service';
import {
  AlertCheckpoints,
  type Checkpoint,
  type ClockTick,
  type DeviceRow,
  type Doubt,
} from './alert-checkpoints.js';
import { AlertOutbox } from './alert-outbox.js';
import { sourceOf, type SourcePartition } from './alert-source.js';
import { CheckpointRefusals } from './checkpoint-refusals.js';
import { forgottenAlerts } from './forgotten-alerts.js';
import { PartitionWatch, type Replay } from './partition-watch.js';

export interface RecoveryParts {
  readonly log: CommitLog;
  readonly devices: LogTable<DeviceRecord>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is read back at most where there is no checkpoint. */
const MOST_WITHOUT_CHECKPOINT = 500_000;

/**
 * A partition as its last holder left it: the checkpoint, and the records since, up to where the batch begins. All of that was judged before
 * and comes out the same. What of it was told is left out; what was not (a crash came between the judging and the telling) is told now.
 */
export async function recoverPartition(
  batch: LogBatch,
  { log, devices, clock, logger }: RecoveryParts,
  { rules, registrations }: { readonly rules: Rules; readonly registrations: Set<string> },
): Promise<PartitionWatch> {
  const source = { source: sourceOf(batch.topic), topic: batch.topic, partition: batch.partition };
  const checkpoints = new AlertCheckpoints(log, clock, logger);
  const outbox = new AlertOutbox(log, clock, logger);
  const checkpoint = await usableCheckpoint(checkpoints, source, batch, log);
  const former = checkpoint.partition ? rulesOfRow(checkpoint.partition.rules) : rules;
  const inForce = isRejection(former) ? rules : former;
  const engine = new AlertWatch({
    source: source.source,
    rules: inForce,
    deviceOf: (id) => factsOf(devices.get(id)),
  });
  const partition = new PartitionWatch(source, batch.assignment, engine, inForce, registrations, {
    checkpoints,
    outbox,
    refusals: new CheckpointRefusals(source, logger),
    clock,
  });

  const {
    nextOffset = Math.max(0, batch.from - MOST_WITHOUT_CHECKPOINT),
    limitMs,
    alertsFrom = {},
  } = checkpoint.partition ?? {};
  await outbox.leaveOutTold(source, alertsFrom);
  partition.begin({ nextOffset, limitMs, alertsFrom });
  const offsets = restore(engine, outbox, checkpoint);
  partition.keepsRowsOf(checkpoint.devices.map(({ deviceId }) => deviceId));
  for (const [id] of devices.entries())
    if (log.reader.partitionOf(source.topic, id) === source.partition) engine.watch(id);

  const passed = new PassedTicks(engine, checkpoint.ticks);
  const doubts = new Doubts(checkpoint.doubts);
  const replay: Replay = {
    isIn: ({ offset }, deviceId) => offset < (offsets.get(deviceId) ?? 0),
    passed,
    judgedAt: (offset) => doubts.at(offset)?.nowMs,
  };
  const to = Math.max(batch.from, furthestOf(checkpoint));
  const records = log.reader.read(source.topic, { partition: source.partition, from: nextOffset, to });
  for await (const some of inBatches(records)) partition.apply(some, replay);
  passed.before(Number.POSITIVE_INFINITY);
  partition.apply([], replay);
  partition.nextOffset = Math.max(partition.nextOffset, to);
  for (const { id, severity } of engine.openAlerts()) partition.open.set(id, severity);
  const gone = await forgottenAlerts(log.reader, source, (id) => devices.get(id) === undefined);
  outbox.add(gone.map((alert) => deletedAt(engine.clockMs, alert)));
  partition.countFromHere();
  return partition;
}

/** The moments at which time alone changed something, each again at its place among the records. */
class PassedTicks {
  private next = 0;

  constructor(
    private readonly engine: AlertWatch,
    private readonly ticks: readonly ClockTick[],
  ) {}

  before(offset: number): void {
    for (let tick = this.ticks[this.next]; tick && tick.offset <= offset; tick = this.ticks[this.next]) {
      this.engine.passTo(tick.clockMs);
      this.next += 1;
    }
  }
}

/** The batches in which arrivals were not believed; asked for one record after the other. */
class Doubts {
  private next = 0;

  constructor(private readonly doubts: readonly Doubt[]) {}

  at(offset: number): Doubt | undefined {
    while (offset >= (this.doubts[this.next]?.to ?? Infinity)) this.next += 1;
    const doubt = this.doubts[this.next];
    return doubt && doubt.from <= offset ? doubt : undefined;
  }
}

/**
 * So far the engine had come, wherever the group's offset stands: a checkpoint that was cut off has rows of devices that are newer than that
 * of their partition, and what the clock of the machine changed was written after everything before it was judged.
 */
function furthestOf({ devices, ticks, doubts }: Checkpoint): number {
  let furthest = 0;
  for (const { nextOffset } of devices) if (nextOffset > furthest) furthest = nextOffset;
  for (const { offset } of ticks) if (offset > furthest) furthest = offset;
  for (const { to } of doubts) if (to > furthest) furthest = to;
  return furthest;
}

/** What knows more than the topic holds is of another log. It is removed: once this one is longer, nothing says so. */
async function usableCheckpoint(
  checkpoints: AlertCheckpoints,
  source: SourcePartition,
  { assignment }: LogBatch,
  { reader }: CommitLog,
): Promise<Checkpoint> {
  const { partition, devices, ticks, doubts } = await checkpoints.read(source);
  const bounds = await reader.bounds(source.topic);
  const end = bounds.find((each) => each.partition === source.partition)?.end ?? 0;
  const isOfAnother = assignment.isAnew?.() === true || (partition?.nextOffset ?? 0) > end;
  const isOfThis = ({ nextOffset }: DeviceRow): boolean => !isOfAnother && nextOffset <= end;
  const usable: Checkpoint = {
    partition: isOfAnother ? undefined : partition,
    devices: devices.filter(isOfThis),
    ticks: ticks.filter(({ offset }) => !isOfAnother && offset <= end),
    doubts: doubts.filter(({ to }) => !isOfAnother && to <= end),
  };
  const others = devices.filter((device) => !isOfThis(device));
  const removed = others.map(({ deviceId, nextOffset }) => ({
    deviceId,
    nextOffset,
    memory: undefined,
    pending: [],
  }));
  await checkpoints.writeDevices(source, removed);
  if (usable.ticks.length < ticks.length || usable.doubts.length < doubts.length)
    await checkpoints.writePassed(source, usable);
  return usable;
}

/** The offsets that the devices' memories include. */
function restore(
  engine: AlertWatch,
  outbox: AlertOutbox,
  checkpoint: Checkpoint,
): ReadonlyMap<string, number> {
  const offsets = new Map<string, number>();
  if (checkpoint.partition) engine.restore(checkpoint.partition.memory);
  for (const { deviceId, memory, nextOffset, pending } of checkpoint.devices) {
    if (memory === undefined || engine.restoreDevice(deviceId, memory)) offsets.set(deviceId, nextOffset);
    outbox.add(pending);
  }
  return offsets;
}

function deletedAt(clockMs: number, alert: Alert): AlertTransition {
  const clearedAt = Math.max(clockMs, alert.raisedAt);
  return { change: 'cleared', alert: { ...alert, clearedAt, clearReason: 'device-deleted' } };
}

function factsOf(device: DeviceRecord | undefined): DeviceFacts | undefined {
  if (!device) return undefined;
  const { id, type, labels, createdAt } = device;
  return { id, type, labels, createdAt };
}
