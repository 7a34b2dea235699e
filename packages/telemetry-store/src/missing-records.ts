import type { ReadingValue } from '@fieldgate/contracts';
import { whyNotStorable } from './storable.js';
import type { MissingRecord, SaidRecord } from './telemetry-store.js';

/** What of a batch has to be in the store, and what of it an adapter has found there. */
export class MissingRecords {
  /** Of the records that are looked for, by index: the metrics that were not found yet. */
  private readonly metrics = new Map<number, Set<string>>();
  /** Of an event: whether it is there. */
  private readonly events = new Set<number>();
  readonly telemetry: Wanted<'telemetry'>[] = [];
  readonly event: Wanted<'event'>[] = [];

  constructor(private readonly batch: readonly SaidRecord[]) {
    batch.forEach((entry, index) => {
      if (whyNotStorable(entry) !== undefined) return;
      const { timeMs, deviceId } = entry.record;
      if (entry.kind === 'telemetry') {
        this.metrics.set(index, new Set(Object.keys(entry.record.readings)));
        this.telemetry.push({ index, timeMs, deviceId, record: entry.record });
      } else {
        this.event.push({ index, timeMs, deviceId, record: entry.record });
      }
    });
  }

  /** A metric with the value that it has in the record. */
  foundMetric(index: number, metric: string): void {
    this.metrics.get(index)?.delete(metric);
  }

  foundEvent(index: number): void {
    this.events.add(index);
  }

  rest(): readonly MissingRecord[] {
    return this.batch.flatMap((entry, index) => {
      if (entry.kind === 'event') return this.events.has(index) ? [] : [{ index, metrics: [] }];
      const metrics = this.metrics.get(index) ?? Object.keys(entry.record.readings); // never stored
      return metrics instanceof Set && metrics.size === 0 ? [] : [{ index, metrics: [...metrics] }];
    });
  }
}

/** A record that can be in the store. */
export interface Wanted<K extends SaidRecord['kind']> {
  readonly index: number;
  readonly timeMs: number;
  readonly deviceId: string;
  readonly record: Extract<SaidRecord, { kind: K }>['record'];
}

/** Half of a surrogate pair, which JSON can hold as an escape, is U+FFFD in UTF-8. */
export function asStored(value: ReadingValue): ReadingValue {
  return typeof value === 'string' ? Buffer.from(value).toString() : value;
}

/** In the order of time, parted where nothing is wanted for a while: one record from last month must not make a query read all of it. */
export function runsOf<T extends { readonly timeMs: number }>(wanted: readonly T[], gapMs: number): T[][] {
  const runs: T[][] = [];
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const each of wanted.toSorted((a, b) => a.timeMs - b.timeMs)) {
    const run = runs.at(-1);
    if (run && each.timeMs - lastMs <= gapMs) run.push(each);
    else runs.push([each]);
    lastMs = each.timeMs;
  }
  return runs;
}

export function groupsOf<T, K>(all: readonly T[], keyOf: (each: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const each of all) {
    const key = keyOf(each);
    const group = groups.get(key);
    if (group) group.push(each);
    else groups.set(key, [each]);
  }
  return groups;
}
