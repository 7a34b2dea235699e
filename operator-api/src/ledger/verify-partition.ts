import { setImmediate } from 'node:timers/promises';
import type { LogReader, LogRecord, PartitionBounds } from '@fieldgate/commit-log';
import { recordsBetween } from '../alerts/records-between.js';
import {
  hasCounted,
  identityOf,
  missingIn,
  verifiedRecord,
  type VerifiedAgainst,
  type VerifiedRecord,
  type VerifiedTopic,
} from './verify-records.js';

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
  /** Without what stands in it when it is not one of ours. Of a command and an alert: its own id. */
  readonly id?: string;
  readonly timeMs?: number;
  /** Of readings and events. */
  readonly receivedMs?: number;
  /** Of readings alone. */
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
/** Bytes that are read until then: also what is not wanted is held in memory by what was read with it. */
const BATCH_BYTES = 4 * 1024 * 1024;
/** Records that are looked at in between, most of them of other devices, until whoever waits is told how far it is. */
const STRETCH = 20_000;
/** Records that are passed over between two turns of the event loop. */
const TURN = 500;
/** Clocks of gateways differ: so far from the range its records are looked for. */
const SLACK_MS = 60_000;

export interface VerifySources extends VerifiedAgainst {
  readonly reader: LogReader;
}

/** Reads a partition in the order of the log, and asks the store batch by batch; the log waits for whoever takes the answers. */
export async function* verifyPartition(
  sources: VerifySources,
  part: PartitionToVerify,
): AsyncIterable<Checked> {
  const { topic, bounds, fromMs, toMs, deviceId } = part;
  const range = { ...bounds, fromMs: fromMs - SLACK_MS, toMs: toMs + SLACK_MS };
  let batch: LogRecord[] = [];
  let read = 0;
  let bytes = 0;
  let offset = bounds.earliest;
  for await (const record of recordsBetween(sources.reader, topic, range)) {
    offset = record.offset + 1;
    const isWanted = record.timestampMs >= fromMs && record.timestampMs < toMs;
    if (isWanted && (deviceId === undefined || record.key === deviceId)) batch.push(record);
    read += 1;
    bytes += record.value?.byteLength ?? 0;
    if (batch.length >= BATCH || bytes >= BATCH_BYTES || read % STRETCH === 0) {
      yield await check(sources, part, { batch, offset });
      batch = [];
      bytes = 0;
    } else if (read % TURN === 0) {
      await setImmediate();
    }
  }
  if (batch.length > 0) yield await check(sources, part, { batch, offset });
}

async function check(
  against: VerifiedAgainst,
  { topic, bounds: { partition }, committed }: PartitionToVerify,
  { batch, offset }: { readonly batch: readonly LogRecord[]; readonly offset: number },
): Promise<Checked> {
  const suspects: Suspect[] = [];
  const wanted: { readonly record: LogRecord; readonly entry: VerifiedRecord }[] = [];
  for (const record of batch) {
    const entry = verifiedRecord(record);
    if (entry === undefined) suspects.push(suspectOf(record, topic));
    else if (entry !== 'not stored') wanted.push({ record, entry });
  }
  const checked = suspects.length + wanted.length;
  const entries = wanted.map(({ entry }) => entry);
  const counted = entries.map((entry) => hasCounted(against, entry)); // before the store is asked: what ends meanwhile is not there yet
  let goingOn = 0;
  for (const { index, metrics } of await missingIn(against, entries)) {
    const missing = wanted[index];
    if (counted[index] !== true) goingOn += 1;
    else if (missing) suspects.push(suspectOf(missing.record, topic, { entry: missing.entry, metrics }));
  }
  const passed = suspects.filter((suspect) => suspect.offset < committed);
  return {
    stored: checked - suspects.length - goingOn,
    pending: suspects.length - passed.length + goingOn,
    suspects: passed.toSorted((a, b) => a.offset - b.offset),
    next: { topic, partition, offset },
  };
}

function suspectOf(
  { partition, offset, key, timestampMs }: LogRecord,
  topic: VerifiedTopic,
  wanted?: { readonly entry: VerifiedRecord; readonly metrics: readonly string[] },
): Suspect {
  const place = { topic, partition, offset, appendedMs: timestampMs };
  if (!wanted) return { ...place, deviceId: key, metrics: [] };
  return { ...place, ...identityOf(wanted.entry), metrics: wanted.metrics };
}
