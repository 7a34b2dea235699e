import { setImmediate } from 'node:timers/promises';
import type { LogReader } from '@fieldgate/commit-log';
import { isMinted, STORAGE_WINDOW } from '@fieldgate/contracts';
import { recordName, seenRecordOf, type SaidRecord, type TelemetryStore } from '@fieldgate/telemetry-store';
import { DistinctNames } from './distinct-names.js';
import type { Suspect } from './verify-partition.js';
import { isSaid, verifiedRecord } from './verify-records.js';

/** Records that are read until whoever waits may say that it is enough; names are counted piece by piece. */
const PIECE = 20_000;
const BATCH = 1_000;
const TURN = 500;
/** Storage knows at least the newest STORAGE_WINDOW names, and never more than twice as many. */
const MOST_NAMES = 2 * STORAGE_WINDOW + PIECE;
/** Twins that are not stored, some hundred bytes each; of more than that those that came first. */
const MOST_HELD = 10_000;

export interface TwinSources {
  readonly reader: LogReader;
  readonly store: TelemetryStore;
}

/** What a dead letter of the storage group is found by. */
export type Placed = Pick<Suspect, 'deviceId' | 'topic' | 'partition' | 'offset' | 'appendedMs'>;

/** Came before a suspect, under the same id and at another time. */
interface Twin extends Placed {
  readonly name: string;
  readonly timeMs: number;
  /** Names behind its piece. */
  readonly names: number;
}

interface Copy {
  readonly suspect: Suspect;
  /** Names behind its piece; undefined until the search has come to it. */
  names?: number;
}

/**
 * Of records of one partition that the store does not hold: which of them storage may have left out. It knows the newest names of the records
 * that it files under their arrival, however many others lie between them, and leaves out what comes again under another time.
 */
export async function* twinsOf(
  { reader, store }: TwinSources,
  suspects: readonly Suspect[],
): AsyncGenerator<undefined, Twins, undefined> {
  const own = suspects.filter(isLeftOutAgain);
  const twins = new Twins(own);
  const [first] = own;
  if (!first) return twins;
  const { topic, partition } = first;
  const names = new DistinctNames();
  const earliest = (await reader.bounds(topic)).find((bounds) => bounds.partition === partition)?.earliest;
  for (let to = twins.end; to > (earliest ?? 0) && twins.areOpen(names.count); to -= PIECE) {
    const from = Math.max(earliest ?? 0, to - PIECE);
    const behind = names.count;
    twins.comeTo(from, behind);
    let read = 0;
    let found: { readonly twin: Twin; readonly entry: SaidRecord }[] = [];
    for await (const record of reader.read(topic, { partition, from, to })) {
      if (++read % TURN === 0) await setImmediate();
      const seen = record.value ? seenRecordOf(record.value) : undefined;
      if (seen?.isFiledUnderArrival !== true) continue;
      const { deviceId, timeMs } = seen;
      const name = recordName(deviceId, seen.id);
      names.add(name);
      const { offset, timestampMs: appendedMs } = record;
      const twin = { topic, partition, offset, appendedMs, deviceId, name, timeMs, names: behind };
      const entry = twins.has(twin) ? verifiedRecord(record) : undefined;
      if (typeof entry === 'object' && isSaid(entry)) found.push({ twin, entry });
      if (found.length < BATCH) continue;
      await ask(store, found, twins);
      found = [];
    }
    if (found.length > 0) await ask(store, found, twins);
    yield;
  }
  return twins;
}

async function ask(
  store: TelemetryStore,
  found: readonly { readonly twin: Twin; readonly entry: SaidRecord }[],
  twins: Twins,
): Promise<void> {
  const gone = new Set((await store.missing(found.map(({ entry }) => entry))).map(({ index }) => index));
  for (const [index, { twin }] of found.entries()) if (!gone.has(index)) twins.isStored(twin);
  for (const [index, { twin }] of found.entries()) if (gone.has(index)) twins.hold(twin);
}

/** Suspects by name, until it is known what they are copies of. */
class Twins {
  private readonly open = new Map<string, Copy[]>();
  private held: Twin[] = [];
  readonly copiesOfStored = new Set<Suspect>();
  readonly end: number;

  constructor(suspects: readonly Suspect[]) {
    for (const suspect of suspects) {
      const name = recordName(suspect.deviceId, suspect.id ?? '');
      const copies = this.open.get(name);
      if (copies) copies.push({ suspect });
      else this.open.set(name, [{ suspect }]);
    }
    this.end = suspects.reduce((most, { offset }) => Math.max(most, offset), 0);
  }

  /** Those that are not in the store; perhaps they were refused. */
  notStored(): readonly Twin[] {
    return this.held.filter((twin) => this.has(twin));
  }

  comeTo(offset: number, names: number): void {
    for (const copies of this.open.values())
      for (const copy of copies) if (copy.suspect.offset >= offset) copy.names ??= names;
  }

  /** Whether there may be a twin in front of so many names. */
  areOpen(names: number): boolean {
    for (const copies of this.open.values())
      if (copies.some((copy) => names - (copy.names ?? names) <= MOST_NAMES)) return true;
    return false;
  }

  has(twin: Twin): boolean {
    return this.open.get(twin.name)?.some((copy) => isTwin(twin, copy)) === true;
  }

  isStored(twin: Twin): void {
    for (const suspect of this.takeCopiesOf(twin)) this.copiesOfStored.add(suspect);
  }

  /** What became of the twin is what became of them. */
  takeCopiesOf(twin: Twin): readonly Suspect[] {
    const copies = this.open.get(twin.name) ?? [];
    const others = copies.filter((copy) => !isTwin(twin, copy));
    if (others.length === copies.length) return [];
    this.open.set(twin.name, others);
    return copies.filter((copy) => isTwin(twin, copy)).map(({ suspect }) => suspect);
  }

  hold(twin: Twin): void {
    this.held.push(twin);
    if (this.held.length >= 2 * MOST_HELD) this.held = this.held.slice(MOST_HELD);
  }
}

function isTwin({ offset, timeMs, names }: Twin, { suspect, names: since = 0 }: Copy): boolean {
  return offset < suspect.offset && timeMs !== suspect.timeMs && names - since <= MOST_NAMES;
}

/** Without a time of its own that is believed, and with an id of its device: nothing else is left out when it comes again. */
function isLeftOutAgain({ id, timeMs, receivedMs }: Suspect): boolean {
  return id !== undefined && !isMinted(id) && timeMs === receivedMs;
}
