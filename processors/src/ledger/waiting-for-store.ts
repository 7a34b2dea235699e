import type { LogCounts, StoredTopic, WaitingForStore } from '@fieldgate/contracts';

/** Offsets up to which records wait for the store, of one connection and topic; the newest of them grows when there are more. */
const MOST_WAITING = 8;

export function wait({ waiting }: LogCounts, topic: StoredTopic, offset: number, records = 1): void {
  let ofTopic = 0;
  let newest: WaitingForStore | undefined;
  for (const each of waiting) {
    if (each.topic !== topic) continue;
    ofTopic += 1;
    newest = each;
  }
  if (newest === undefined || ofTopic < MOST_WAITING) {
    waiting.push({ topic, offset, records });
    return;
  }
  newest.offset = Math.max(newest.offset, offset);
  newest.records += records;
}

/** The storage group is past everything before `offset` of `topic`. True when that changes something. */
export function storedUpTo(log: LogCounts, topic: StoredTopic, offset: number): boolean {
  if (!log.waiting.some((each) => each.topic === topic && each.offset < offset)) return false;
  log.waiting = log.waiting.filter((each) => {
    if (each.topic !== topic || each.offset >= offset) return true;
    log.stored += each.records;
    return false;
  });
  return true;
}
