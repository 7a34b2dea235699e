import type { LogCounts, StoredTopic, WaitingForStore } from '@fieldgate/contracts';

/** Offsets up to which records wait for the store, of one connection and topic. */
const MOST_WAITING = 8;

/** How far the storage group has come in a partition. */
export interface StoragePlace {
  /** The group is past everything before it. */
  readonly committed: number;
  /** The same when it was looked at the last time. */
  readonly before: number;
  /** The first record that the log still holds. What the group was not past has gone unstored: it has skipped it, or will. */
  readonly earliest: number;
}

/** Where there are too many offsets the newest grows to its share of the records, and two others become one: of no great part it is known late. */
export function wait({ waiting }: LogCounts, topic: StoredTopic, offset: number, records = 1): void {
  let ofTopic = 0;
  let sum = 0;
  let newest: WaitingForStore | undefined;
  for (const each of waiting) {
    if (each.topic !== topic) continue;
    ofTopic += 1;
    sum += each.records;
    newest = each;
  }
  if (newest && ofTopic >= MOST_WAITING && newest.records + records <= sum / MOST_WAITING) {
    newest.offset = Math.max(newest.offset, offset);
    newest.records += records;
    return;
  }
  if (ofTopic >= MOST_WAITING) joinLeast(waiting, topic);
  waiting.push({ topic, offset, records });
}

/** The two neighbours with the fewest records. */
function joinLeast(waiting: WaitingForStore[], topic: StoredTopic): void {
  let least: { readonly one: WaitingForStore; readonly two: WaitingForStore } | undefined;
  let last: WaitingForStore | undefined;
  for (const each of waiting) {
    if (each.topic !== topic) continue;
    if (last && (!least || last.records + each.records <= least.one.records + least.two.records))
      least = { one: last, two: each };
    last = each;
  }
  if (least === undefined) return;
  const { one, two } = least;
  two.offset = Math.max(one.offset, two.offset);
  two.records += one.records;
  waiting.splice(waiting.indexOf(one), 1);
}

/** True when the group's coming so far changes something. */
export function storedUpTo(
  log: LogCounts,
  topic: StoredTopic,
  { committed, before, earliest }: StoragePlace,
): boolean {
  const isOver = (offset: number): boolean => offset < committed || offset < earliest;
  if (!log.waiting.some((each) => each.topic === topic && isOver(each.offset))) return false;
  log.waiting = log.waiting.filter((each) => {
    if (each.topic !== topic || !isOver(each.offset)) return true;
    log.stored += each.records;
    if (each.offset >= before && each.offset < earliest) log.notStored += each.records;
    return false;
  });
  return true;
}
