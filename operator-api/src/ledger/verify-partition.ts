import { setImmediate } from 'node:timers/promises';
import type { LogReader, LogRecord, PartitionBounds } from '@fieldgate/commit-log';
import { decodeEvent, decodeTelemetry, isRejection } from '@fieldgate/contracts';
import type { SaidRecord, TelemetryStore } from '@fieldgate/telemetry-store';
import { recordsBetween } from '../alerts/records-between.js';

/** What devices say, and the storage group stores record by record. */
export const VERIFIED_TOPICS = ['fieldgate.telemetry.v1', 'fieldgate.events.v1'] as const;
export type VerifiedTopic = (typeof VERIFIED_TOPICS)[number];

/** The next record to look at. */
export interface VerifyPosition {
  readonly topic: VerifiedTopic;
  readonly partition: number;
  readonly offset: number;
}

/** A record that the storage group has passed, and that the store does not hold whole. */
export interface Suspect extends VerifyPosition {
  readonly deviceId: string;
  readonly appendedMs: number;
  /** Without what stands in it when it is not one of ours. */
  readonly id?: string;
  readonly timeMs?: number;
  readonly receivedMs?: number;
  /** None of an event. */
  readonly metrics: readonly string[];
}

/** What became of the records of one batch. */
export interface Checked {
  readonly stored: number;
  readonly pending: number;
  readonly suspects: readonly Suspect[];
  /** Where to go on behind them. */
  readonly next: VerifyPosition;
}

export interface PartitionToVerify {
  readonly topic: VerifiedTopic;
  readonly bounds: PartitionBounds;
  /** The storage group has handled what stands before it. */
  readonly committed: number;
  readonly deviceId: string | undefined;
  /** Of the append, epoch ms: inclusive, exclusive. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** Records that the store is asked about at once. */
const BATCH = 1_000;
/** Records that are looked at in between, most of them of other devices, until whoever waits is told how far it is. */
const STRETCH = 20_000;
/** Records that are passed over between two turns of the event loop. */
const TURN = 500;
/** Clocks of gateways differ: so far from the range its records are looked for. */
const SLACK_MS = 60_000;

/** Reads a partition in the order of the log, and asks the store batch by batch; the log waits for whoever takes the answers. */
export async function* verifyPartition(
  { reader, store }: { readonly reader: LogReader; readonly store: TelemetryStore },
  part: PartitionToVerify,
): AsyncIterable<Checked> {
  const { topic, bounds, fromMs, toMs, deviceId } = part;
  const range = { ...bounds, fromMs: fromMs - SLACK_MS, toMs: toMs + SLACK_MS };
  let batch: LogRecord[] = [];
  let read = 0;
  let offset = bounds.earliest;
  for await (const record of recordsBetween(reader, topic, range)) {
    offset = record.offset + 1;
    const isWanted = record.timestampMs >= fromMs && record.timestampMs < toMs;
    if (isWanted && (deviceId === undefined || record.key === deviceId)) batch.push(record);
    read += 1;
    if (batch.length >= BATCH || read % STRETCH === 0) {
      yield await check(store, part, { batch, offset });
      batch = [];
    } else if (read % TURN === 0) {
      await setImmediate();
    }
  }
  if (batch.length > 0) yield await check(store, part, { batch, offset });
}

async function check(
  store: TelemetryStore,
  { topic, bounds: { partition }, committed }: PartitionToVerify,
  { batch, offset }: { readonly batch: readonly LogRecord[]; readonly offset: number },
): Promise<Checked> {
  const suspects: Suspect[] = [];
  const said: { readonly record: LogRecord; readonly entry: SaidRecord }[] = [];
  for (const record of batch) {
    const entry = saidIn(record);
    if (entry) said.push({ record, entry });
    else suspects.push(suspectOf(record, topic));
  }
  for (const { index, metrics } of await store.missing(said.map(({ entry }) => entry))) {
    const missing = said[index];
    if (missing) suspects.push(suspectOf(missing.record, topic, { entry: missing.entry, metrics }));
  }
  const passed = suspects.filter((suspect) => suspect.offset < committed);
  return {
    stored: batch.length - suspects.length,
    pending: suspects.length - passed.length,
    suspects: passed,
    next: { topic, partition, offset },
  };
}

/** Undefined for what is not one of ours: storage refuses it. */
export function saidIn({ topic, value }: LogRecord): SaidRecord | undefined {
  if (!value) return undefined;
  if (topic === 'fieldgate.events.v1') {
    const record = decodeEvent(value);
    return isRejection(record) ? undefined : { kind: 'event', record };
  }
  const record = decodeTelemetry(value);
  return isRejection(record) ? undefined : { kind: 'telemetry', record };
}

function suspectOf(
  { partition, offset, key, timestampMs }: LogRecord,
  topic: VerifiedTopic,
  said?: { readonly entry: SaidRecord; readonly metrics: readonly string[] },
): Suspect {
  const place = { topic, partition, offset, appendedMs: timestampMs };
  if (!said) return { ...place, deviceId: key, metrics: [] };
  const { deviceId, id, timeMs, receivedMs } = said.entry.record;
  return { ...place, deviceId, id, timeMs, receivedMs, metrics: said.metrics };
}
