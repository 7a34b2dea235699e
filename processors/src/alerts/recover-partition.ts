import { AlertWatch, type DeviceFacts, type Rules } from '@fieldgate/alert-rules';
import { isRejection, type DeviceRecord } from '@fieldgate/contracts';
import type { CommitLog, LogBatch, LogRecord, LogTable } from '@fieldgate/commit-log';
import type { Clock, Logger } from '@fieldgate/service';
import { AlertCheckpoints, type Checkpoint } from './alert-checkpoints.js';
import { AlertOutbox } from './alert-outbox.js';
import { sourceOf, type SourcePartition } from './alert-source.js';
import { PartitionWatch } from './partition-watch.js';
import { rulesOfRow } from './rules-of-row.js';

export interface RecoveryParts {
  readonly log: CommitLog;
  readonly devices: LogTable<DeviceRecord>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What is read back at most where there is no checkpoint. */
const MOST_WITHOUT_CHECKPOINT = 500_000;
const REPLAY_RECORDS = 2_000;

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
  const checkpoints = new AlertCheckpoints(log, clock);
  const outbox = new AlertOutbox(log, clock, logger);
  const checkpoint = await usableCheckpoint(await checkpoints.read(source), source, log);
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
  });

  const {
    nextOffset = Math.max(0, batch.from - MOST_WITHOUT_CHECKPOINT),
    limitMs,
    alertsFrom = {},
  } = checkpoint.partition ?? {};
  await outbox.leaveOutTold(source, alertsFrom);
  partition.begin({ nextOffset, limitMs, alertsFrom });
  const offsets = restore(engine, outbox, checkpoint);
  for (const [id] of devices.entries()) {
    if (log.reader.partitionOf(source.topic, id) !== source.partition) continue;
    engine.watch(id);
    registrations.add(id);
  }
  for (const { deviceId } of checkpoint.devices) registrations.add(deviceId);

  const isIn = ({ offset }: LogRecord, deviceId: string): boolean => offset < (offsets.get(deviceId) ?? 0);
  const range = { partition: source.partition, from: nextOffset, to: batch.from };
  let records: LogRecord[] = [];
  for await (const record of log.reader.read(source.topic, range)) {
    records.push(record);
    if (records.length < REPLAY_RECORDS) continue;
    partition.apply(records, isIn);
    records = [];
  }
  partition.apply(records, isIn);
  partition.nextOffset = Math.max(partition.nextOffset, batch.from);
  partition.countFromHere();
  return partition;
}

/** One that knows more than the topic holds is of another log. */
async function usableCheckpoint(
  checkpoint: Checkpoint,
  { topic, partition }: SourcePartition,
  { reader }: CommitLog,
): Promise<Checkpoint> {
  const end = (await reader.bounds(topic)).find((each) => each.partition === partition)?.end ?? 0;
  const isOfThisLog = (checkpoint.partition?.nextOffset ?? 0) <= end;
  return isOfThisLog ? checkpoint : { partition: undefined, devices: [] };
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

function factsOf(device: DeviceRecord | undefined): DeviceFacts | undefined {
  if (!device) return undefined;
  const { id, type, labels, createdAt } = device;
  return { id, type, labels, createdAt };
}
