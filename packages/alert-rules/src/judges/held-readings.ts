import type { ReadingValue } from '@fieldgate/contracts';
import { Heap } from '../heap.js';

/** What identifies a record, and puts it in its order. */
export interface Arrived {
  readonly timeMs: number;
  readonly seq?: number | undefined;
  readonly id: string;
  readonly receivedMs: number;
}

/** What a rule takes of a record: of telemetry one value, of an event its state. */
export interface Held extends Arrived {
  readonly value: ReadingValue;
}

/** At one device by one rule; beyond it the oldest is judged at once. */
export const MAX_HELD = 10_000;

/** Readings of one device that a rule waits with: the oldest first, by time, then `seq`, then id. */
export function heldReadings(): Heap<Held> {
  return new Heap(compare);
}

function compare(a: Held, b: Held): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  const bySeq = (a.seq ?? -1) - (b.seq ?? -1);
  if (bySeq !== 0) return bySeq;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
