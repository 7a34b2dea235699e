import { setImmediate } from 'node:timers/promises';
import type { LogReader, LogRecord } from '@fieldgate/commit-log';
import { deadLetterRecordSchema, isRejection, parseJson, STORAGE_GROUP } from '@fieldgate/contracts';
import { firstSince } from '../alerts/records-between.js';
import type { Suspect, VerifyPosition } from './verify-partition.js';
import { twinsOf, type Placed, type TwinSources } from './verify-twins.js';

const LETTERS = 'fieldgate.dead-letters.v1';
/** Records that are read until whoever waits may say that it is enough. */
const PIECE = 20_000;
const TURN = 500;
/** A dead letter is written behind its record, perhaps by a machine whose clock is behind. Letters are few. */
const SLACK_MS = 3_600_000;

export interface Sifted {
  readonly refused: number;
  readonly duplicates: number;
  readonly missing: readonly Suspect[];
}

type Place = Omit<VerifyPosition, 'topic'> & { readonly topic: string };

/**
 * Of records of one partition that the store does not hold: which of them are not to be there, and which are missing. There may be much to
 * read for that, so it comes piece by piece; nothing is open between two pieces, and the next one may be asked for minutes later, or never.
 */
export async function* siftSuspects(
  sources: TwinSources,
  suspects: readonly Suspect[],
): AsyncGenerator<undefined, Sifted, undefined> {
  if (suspects.length === 0) return { refused: 0, duplicates: 0, missing: [] };
  const refused = yield* refusedAmong(sources.reader, suspects);
  const accepted = suspects.filter((suspect) => !refused.has(placeOf(suspect)));
  const twins = yield* twinsOf(sources, accepted);
  const refusedTwins = yield* refusedAmong(sources.reader, twins.notStored());
  const copiesOfRefused = new Set(
    twins
      .notStored()
      .filter((twin) => refusedTwins.has(placeOf(twin)))
      .flatMap((twin) => twins.takeCopiesOf(twin)),
  );
  const missing = accepted.filter(
    (suspect) => !twins.copiesOfStored.has(suspect) && !copiesOfRefused.has(suspect),
  );
  return {
    refused: suspects.length - accepted.length + copiesOfRefused.size,
    duplicates: twins.copiesOfStored.size,
    missing,
  };
}

/** By their place: those of which the storage group has written a dead letter, which is kept longer than its record. */
async function* refusedAmong(
  reader: LogReader,
  records: readonly Placed[],
): AsyncGenerator<undefined, ReadonlySet<string>, undefined> {
  const wanted = new Set(records.map(placeOf));
  const partitions = new Set(records.map(({ deviceId }) => reader.partitionOf(LETTERS, deviceId)));
  const fromMs = records.reduce((least, { appendedMs }) => Math.min(least, appendedMs), Infinity) - SLACK_MS;
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

function* piecesOf(from: number, end: number): Iterable<{ readonly from: number; readonly to: number }> {
  for (let at = from; at < end; at += PIECE) yield { from: at, to: Math.min(at + PIECE, end) };
}

function placeOf({ topic, partition, offset }: Place): string {
  return `${topic} ${partition} ${offset}`;
}
