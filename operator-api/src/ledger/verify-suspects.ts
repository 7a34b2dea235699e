import { setImmediate } from 'node:timers/promises';
import type { LogReader, LogRecord } from '@fieldgate/commit-log';
import {
  deadLetterRecordSchema,
  isMinted,
  isRejection,
  parseJson,
  STORAGE_GROUP,
} from '@fieldgate/contracts';
import type { SaidRecord, TelemetryStore } from '@fieldgate/telemetry-store';
import { firstSince } from '../alerts/records-between.js';
import type { Suspect, VerifyPosition } from './verify-partition.js';
import { isSaid, verifiedRecord } from './verify-records.js';

const LETTERS = 'fieldgate.dead-letters.v1';
/** Records that are read until whoever waits may say that it is enough. */
const PIECE = 20_000;
const BATCH = 1_000;
const TURN = 500;
/** A dead letter is written behind its record, perhaps by a machine whose clock is behind. */
const SLACK_MS = 60_000;

export interface Sifted {
  readonly refused: number;
  readonly duplicates: number;
  readonly missing: readonly Suspect[];
}

interface Sources {
  readonly reader: LogReader;
  readonly store: TelemetryStore;
}

/**
 * Of records of one partition that the store does not hold: which of them are not to be there, and which are missing. There may be much to
 * read for that, so it comes piece by piece; nothing is open between two pieces, and the next one may be asked for minutes later, or never.
 */
export async function* siftSuspects(
  sources: Sources,
  suspects: readonly Suspect[],
): AsyncGenerator<undefined, Sifted, undefined> {
  if (suspects.length === 0) return { refused: 0, duplicates: 0, missing: [] };
  const refused = yield* refusedAmong(sources.reader, suspects);
  const accepted = suspects.filter((suspect) => !refused.has(placeOf(suspect)));
  const sentBefore = yield* storedTwins(sources, accepted);
  const missing = accepted.filter((suspect) => !sentBefore.has(nameOf(suspect)));
  return {
    refused: suspects.length - accepted.length,
    duplicates: accepted.length - missing.length,
    missing,
  };
}

/** By their place: those of which the storage group has written a dead letter, which is kept longer than its record. */
async function* refusedAmong(
  reader: LogReader,
  suspects: readonly Suspect[],
): AsyncGenerator<undefined, ReadonlySet<string>, undefined> {
  const wanted = new Set(suspects.map(placeOf));
  const partitions = new Set(suspects.map(({ deviceId }) => reader.partitionOf(LETTERS, deviceId)));
  const fromMs = suspects.reduce((least, { appendedMs }) => Math.min(least, appendedMs), Infinity) - SLACK_MS;
  const refused = new Set<string>();
  for (const bounds of await reader.bounds(LETTERS)) {
    const { partition, end } = bounds;
    if (!partitions.has(partition)) continue;
    const first = await firstSince(reader, LETTERS, { ...bounds, fromMs });
    for (const range of piecesOf(first, end)) {
      let read = 0;
      for await (const letter of reader.read(LETTERS, { partition, ...range })) {
        const place = refusedPlace(letter);
        if (place !== undefined && wanted.has(place)) refused.add(place);
        if (++read % TURN === 0) await setImmediate();
      }
      if (refused.size === wanted.size) return refused;
      yield;
    }
  }
  return refused;
}

/** What a dead letter of the storage group is about. Letters of devices are many, and are not parsed. */
function refusedPlace({ value }: LogRecord): string | undefined {
  if (!value || !Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes(OF_STORAGE))
    return undefined;
  const parsed = parseJson(value);
  const letter = isRejection(parsed) ? undefined : deadLetterRecordSchema.safeParse(parsed.value).data;
  const origin = letter?.data.origin;
  return origin?.kind === 'log' && origin.group === STORAGE_GROUP ? placeOf(origin) : undefined;
}

const OF_STORAGE = Buffer.from(JSON.stringify(STORAGE_GROUP));

/**
 * By their names: messages that were sent before under the same id, and are in the store as they were then. Storage knows the newest names of
 * those that it files under their arrival, however many records lie between them, and leaves out what comes again.
 */
async function* storedTwins(
  { reader, store }: Sources,
  suspects: readonly Suspect[],
): AsyncGenerator<undefined, ReadonlySet<string>, undefined> {
  const stored = new Set<string>();
  const own = suspects.filter(isLeftOutAgain);
  const [first] = own;
  if (!first) return stored;
  const { topic, partition } = first;
  const names = new Set(own.map(nameOf));
  const devices = new Set(own.map(({ deviceId }) => deviceId));
  const to = own.reduce((most, { offset }) => Math.max(most, offset), 0);
  const from = (await reader.bounds(topic)).find((bounds) => bounds.partition === partition)?.earliest ?? 0;
  let twins: SaidRecord[] = [];
  const ask = async (): Promise<void> => {
    const gone = new Set((await store.missing(twins)).map(({ index }) => index));
    for (const [index, { record }] of twins.entries()) if (!gone.has(index)) stored.add(nameOf(record));
    twins = [];
  };
  for (const range of piecesBack(from, to)) {
    let read = 0;
    for await (const record of reader.read(topic, { partition, ...range })) {
      const entry = devices.has(record.key) ? verifiedRecord(record) : undefined;
      if (typeof entry === 'object' && isSaid(entry) && names.has(nameOf(entry.record))) twins.push(entry);
      if (twins.length >= BATCH) await ask();
      if (++read % TURN === 0) await setImmediate();
    }
    if (twins.length > 0) await ask();
    if (stored.size === names.size) return stored;
    yield;
  }
  return stored;
}

/** Without a time of its own that is believed, and with an id of its device: nothing else is left out when it comes again. */
function isLeftOutAgain({ id, timeMs, receivedMs }: Suspect): boolean {
  return id !== undefined && !isMinted(id) && timeMs === receivedMs;
}

function* piecesOf(from: number, end: number): Iterable<{ readonly from: number; readonly to: number }> {
  for (let at = from; at < end; at += PIECE) yield { from: at, to: Math.min(at + PIECE, end) };
}

/** A copy mostly comes soon. */
function* piecesBack(from: number, end: number): Iterable<{ readonly from: number; readonly to: number }> {
  for (let at = end; at > from; at -= PIECE) yield { from: Math.max(from, at - PIECE), to: at };
}

function placeOf({
  topic,
  partition,
  offset,
}: Omit<VerifyPosition, 'topic'> & { readonly topic: string }): string {
  return `${topic} ${partition} ${offset}`;
}

/** Neither a device id nor the id of a message of ours holds a space. */
function nameOf({ deviceId, id }: { readonly deviceId: string; readonly id?: string }): string {
  return `${deviceId} ${id ?? ''}`;
}
