import { setImmediate } from 'node:timers/promises';
import type { LogReader, LogRecord } from '@fieldgate/commit-log';
import { deadLetterRecordSchema, isMinted, isRejection, parseJson } from '@fieldgate/contracts';
import type { SaidRecord, TelemetryStore } from '@fieldgate/telemetry-store';
import { recordsBetween } from '../alerts/records-between.js';
import { saidIn, type Suspect, type VerifyPosition } from './verify-partition.js';

/** The group that fills the store. */
export const STORAGE_GROUP = 'fieldgate.storage';
const LETTERS = 'fieldgate.dead-letters.v1';
/** The storage group knows a message that comes again among so many records of its partition (`WINDOW` there). */
const LOOK_BACK = 200_000;
const BATCH = 1_000;
const TURN = 500;
/** A dead letter is written behind its record, perhaps by a machine whose clock is behind. */
const SLACK_MS = 60_000;

export interface Sifted {
  readonly refused: number;
  readonly duplicates: number;
  readonly missing: readonly Suspect[];
}

/** Of records of one partition that the store does not hold: which of them are not to be there, and which are missing. */
export async function siftSuspects(
  { reader, store }: { readonly reader: LogReader; readonly store: TelemetryStore },
  suspects: readonly Suspect[],
): Promise<Sifted> {
  if (suspects.length === 0) return { refused: 0, duplicates: 0, missing: [] };
  const refused = await refusedAmong(reader, suspects);
  const accepted = suspects.filter((suspect) => !refused.has(placeOf(suspect)));
  const sentBefore = await storedTwins({ reader, store }, accepted);
  const missing = accepted.filter((suspect) => !sentBefore.has(nameOf(suspect)));
  return {
    refused: suspects.length - accepted.length,
    duplicates: accepted.length - missing.length,
    missing,
  };
}

/** By their place: those of which the storage group has written a dead letter, which is kept longer than its record. */
async function refusedAmong(reader: LogReader, suspects: readonly Suspect[]): Promise<ReadonlySet<string>> {
  const wanted = new Set(suspects.map(placeOf));
  const partitions = new Set(suspects.map(({ deviceId }) => reader.partitionOf(LETTERS, deviceId)));
  const fromMs = suspects.reduce((least, { appendedMs }) => Math.min(least, appendedMs), Infinity) - SLACK_MS;
  const refused = new Set<string>();
  let read = 0;
  for (const bounds of await reader.bounds(LETTERS)) {
    if (!partitions.has(bounds.partition)) continue;
    for await (const letter of recordsBetween(reader, LETTERS, { ...bounds, fromMs, toMs: Infinity })) {
      const place = refusedPlace(letter);
      if (place !== undefined && wanted.has(place)) refused.add(place);
      if (refused.size === wanted.size) return refused;
      if (++read % TURN === 0) await setImmediate();
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
 * By their names: messages that were sent before under the same id, and are in the store as they were then. Storage leaves out what comes
 * again; an id of our own making never does.
 */
async function storedTwins(
  { reader, store }: { readonly reader: LogReader; readonly store: TelemetryStore },
  suspects: readonly Suspect[],
): Promise<ReadonlySet<string>> {
  const stored = new Set<string>();
  const own = suspects.filter(({ id }) => id !== undefined && !isMinted(id));
  const [first] = own;
  if (!first) return stored;
  const { topic, partition } = first;
  const names = new Set(own.map(nameOf));
  const devices = new Set(own.map(({ deviceId }) => deviceId));
  const offsets = own.map(({ offset }) => offset);
  const to = offsets.reduce((most, offset) => Math.max(most, offset), 0);
  const from = Math.max(0, offsets.reduce((least, offset) => Math.min(least, offset), to) - LOOK_BACK);
  let twins: SaidRecord[] = [];
  const ask = async (): Promise<void> => {
    const gone = new Set((await store.missing(twins)).map(({ index }) => index));
    for (const [index, { record }] of twins.entries()) if (!gone.has(index)) stored.add(nameOf(record));
    twins = [];
  };
  let read = 0;
  for await (const record of reader.read(topic, { partition, from, to })) {
    const said = devices.has(record.key) ? saidIn(record) : undefined;
    if (said && names.has(nameOf(said.record))) twins.push(said);
    if (twins.length >= BATCH) await ask();
    if (++read % TURN === 0) await setImmediate();
  }
  if (twins.length > 0) await ask();
  return stored;
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
