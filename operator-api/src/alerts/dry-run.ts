import { setImmediate } from 'node:timers/promises';
import { believedArrival, type AlertTransition } from '@fieldgate/alert-rules';
import type { LogReader, LogRecord, PartitionBounds } from '@fieldgate/commit-log';
import {
  decodeEvent,
  decodeTelemetry,
  isRejection,
  type Alert,
  type EventRecord,
  type LogTopic,
  type TelemetryRecord,
} from '@fieldgate/contracts';
import type { Clock } from '@fieldgate/service';
import { recordsBetween } from './records-between.js';

/** Rules at work on one partition of one topic; an `AlertWatch`. */
export interface Watch {
  watch(deviceId: string): void;
  reading(record: TelemetryRecord): void;
  event(record: EventRecord): void;
  passTo(arrivalMs: number): void;
  takeTransitions(): readonly AlertTransition[];
}

export type WatchSource = 'telemetry' | 'events';

/** Two rule sets are compared. */
export type Both<T> = readonly [given: T, inForce: T];

export interface DryRun {
  readonly reader: LogReader;
  /** Measures how long it takes. */
  readonly monotonic: Clock;
  /** All devices that there are: also one that never reports can be missed. */
  readonly devices: readonly string[];
  readonly watches: (source: WatchSource) => Both<Watch>;
  /** Of the arrival, epoch ms: inclusive, exclusive. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly limits: DryRunLimits;
  readonly gone: AbortSignal;
}

export interface DryRunLimits {
  readonly records: number;
  readonly ms: number;
  /** Kept of each rule set. */
  readonly alerts: number;
}

export interface DryRunOutcome {
  readonly readings: number;
  readonly events: number;
  /** By id, as each was at the end. */
  readonly raised: Both<ReadonlyMap<string, Alert>>;
  /** A limit was met, or the client has gone: not all of the range was looked at. */
  readonly truncated: boolean;
}

/** Records between two turns of the event loop: some ten milliseconds with twenty rules. */
const TURN = 500;
/** How far the time of the append may be from that of the arrival, for which the log was perhaps away, on another machine's clock. */
const SLACK_MS = 60_000;

const TOPICS = [
  { topic: 'fieldgate.telemetry.v1', source: 'telemetry' },
  { topic: 'fieldgate.events.v1', source: 'events' },
] as const;

interface Partition {
  readonly topic: LogTopic;
  readonly source: WatchSource;
  readonly bounds: PartitionBounds;
  /** Those whose records are in it. */
  readonly devices: readonly string[];
}

/** What rules would have raised over what the log holds: partition by partition, in the order of the log, as the alerts group reads it. */
export async function dryRun(run: DryRun): Promise<DryRunOutcome> {
  const tally = new Tally(run);
  for (const { topic, source } of TOPICS) {
    const devices = byPartition(run, topic);
    for (const bounds of await run.reader.bounds(topic)) {
      if (tally.isOver) return tally.outcome();
      const own = devices.get(bounds.partition) ?? [];
      await runPartition(run, tally, { topic, source, bounds, devices: own });
    }
  }
  return tally.outcome();
}

function byPartition({ reader, devices }: DryRun, topic: LogTopic): ReadonlyMap<number, readonly string[]> {
  const partitions = new Map<number, string[]>();
  for (const deviceId of devices) {
    const partition = reader.partitionOf(topic, deviceId);
    const own = partitions.get(partition);
    if (own) own.push(deviceId);
    else partitions.set(partition, [deviceId]);
  }
  return partitions;
}

async function runPartition(
  { reader, watches, fromMs, toMs }: DryRun,
  tally: Tally,
  { topic, source, bounds, devices }: Partition,
): Promise<void> {
  const own = watches(source);
  for (const watch of own) {
    watch.passTo(fromMs); // from here on somebody can be missed
    for (const deviceId of devices) watch.watch(deviceId);
  }
  let passed = fromMs;
  const range = { ...bounds, fromMs: fromMs - SLACK_MS, toMs: toMs + SLACK_MS };
  for await (const record of recordsBetween(reader, topic, range)) {
    const arrivedMs = feed(own, record, { fromMs, toMs, passed });
    if (arrivedMs !== undefined) passed = Math.max(passed, arrivedMs);
    if (tally.add(source, arrivedMs !== undefined) % TURN === 0) {
      tally.take(own);
      await setImmediate();
    }
    if (tally.isOver) break;
  }
  // where the reading was broken off, nobody knows who is silent after it
  for (const watch of own) watch.passTo(tally.isOver ? passed : toMs);
  tally.take(own);
}

/**
 * When the record arrived, as far as that is believed: the alerts group has read it about when it was appended. Undefined for one outside of
 * the range, and for what is not ours.
 */
function feed(
  watches: Both<Watch>,
  { topic, value, timestampMs }: LogRecord,
  { fromMs, toMs, passed }: { readonly fromMs: number; readonly toMs: number; readonly passed: number },
): number | undefined {
  if (!value) return undefined;
  const read = topic === 'fieldgate.events.v1' ? decodeEvent(value) : decodeTelemetry(value);
  if (isRejection(read)) return undefined;
  const record = believedArrival(read, timestampMs);
  if (record.receivedMs < fromMs || record.receivedMs >= toMs) return undefined;
  for (const watch of watches) {
    if (record.receivedMs > passed) watch.passTo(record.receivedMs); // who was silent until then
    if ('readings' in record) watch.reading(record);
    else watch.event(record);
  }
  return record.receivedMs;
}

/** What was read and raised so far, and whether it is enough. */
class Tally {
  isOver = false;
  private read = 0;
  private readonly used = { telemetry: 0, events: 0 };
  private readonly raised: Both<Map<string, Alert>> = [new Map(), new Map()];
  private readonly startedMs: number;

  constructor(private readonly run: DryRun) {
    this.startedMs = run.monotonic.now();
  }

  /** How many records were read with this one. */
  add(source: WatchSource, isUsed: boolean): number {
    this.read += 1;
    if (isUsed) this.used[source] += 1;
    if (this.read >= this.run.limits.records) this.isOver = true;
    return this.read;
  }

  take(watches: Both<Watch>): void {
    watches.forEach((watch, at) => {
      for (const { alert } of watch.takeTransitions()) this.raised[at]?.set(alert.id, alert); // as it was last
    });
    const { limits, gone, monotonic } = this.run;
    const isFull = this.raised.some(({ size }) => size >= limits.alerts);
    if (isFull || gone.aborted || monotonic.now() - this.startedMs >= limits.ms) this.isOver = true;
  }

  outcome(): DryRunOutcome {
    const { telemetry: readings, events } = this.used;
    return { readings, events, raised: this.raised, truncated: this.isOver };
  }
}
