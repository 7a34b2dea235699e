import { DuckDBTimestampMillisecondsValue } from '@duckdb/node-api';
import type { AlertStep, Command, EventRecord, ReadingValue, TelemetryRecord } from '@fieldgate/contracts';
import { idHash } from '../identity.js';
import { whyNotStorable } from '../storable.js';
import type { StoreRecord, WriteOutcome } from '../telemetry-store.js';
import { kindOf, type Kind } from './schema.js';
import type { SeriesEntry, SeriesIndex } from './series-index.js';

/** What the readings of one record share. */
export interface Stamp {
  readonly timeMs: number;
  readonly time: DuckDBTimestampMillisecondsValue;
  /** -1: none. */
  readonly seq: number;
  readonly seqColumn: bigint;
  readonly idColumn: bigint;
}

export interface StagedReading {
  readonly entry: SeriesEntry;
  readonly stamp: Stamp;
  readonly value: ReadingValue;
}

/** A device that makes up metric names would fill the index of series. */
const MAX_SERIES_PER_DEVICE = 1_024;

/** Batches sorted into what becomes of their records, before the file is touched. */
export class StagedBatch {
  readonly rows: Record<Kind, StagedReading[]> = { numbers: [], flags: [], texts: [] };
  /** Not newer than all of their series: may be in the file already. Everything that a device or the log sends again is among them. */
  readonly suspects: Record<Kind, StagedReading[]> = { numbers: [], flags: [], texts: [] };
  readonly created: { readonly deviceId: string; readonly entry: SeriesEntry }[] = [];
  readonly events = new Map<string, EventRecord>();
  /** The last one of an id wins. */
  readonly commands = new Map<string, Command>();
  readonly alertSteps: AlertStep[] = [];
  readonly outcomes: WriteOutcome[] = [];

  constructor(private readonly index: SeriesIndex) {}

  add(batch: readonly StoreRecord[]): void {
    const refused: { index: number; code: 'store-refused'; detail: string }[] = [];
    batch.forEach((entry, index) => {
      const reason = whyNotStorable(entry) ?? this.addRecord(entry);
      if (reason !== undefined) refused.push({ index, code: 'store-refused', detail: reason });
    });
    this.outcomes.push({ refused });
  }

  private addRecord(entry: StoreRecord): string | undefined {
    switch (entry.kind) {
      case 'telemetry':
        return this.addTelemetry(entry.record);
      case 'event': {
        const { deviceId, timeMs, id } = entry.record;
        const key = `${deviceId} ${timeMs} ${id}`;
        if (!this.events.has(key)) this.events.set(key, entry.record);
        return undefined;
      }
      case 'command':
        this.commands.set(entry.record.id, entry.record);
        return undefined;
      case 'alert':
        this.alertSteps.push(entry.record);
        return undefined;
    }
  }

  private addTelemetry(record: TelemetryRecord): string | undefined {
    const device = this.index.get(record.deviceId);
    if (!device) throw new Error('the series of this device are not loaded');
    const known = device.numbers.size + device.flags.size + device.texts.size;
    const metrics = Object.keys(record.readings);
    if (known + metrics.length > MAX_SERIES_PER_DEVICE) {
      const fresh = metrics.filter((metric) => !device[kindOf(valueOf(record, metric))].has(metric));
      if (known + fresh.length > MAX_SERIES_PER_DEVICE)
        return `the device has used ${known} metric names, at most ${MAX_SERIES_PER_DEVICE} are kept`;
    }
    const stamp = stampOf(record);
    for (const metric of metrics) {
      const value = valueOf(record, metric);
      const kind = kindOf(value);
      let entry = device[kind].get(metric);
      if (!entry) {
        entry = this.index.create(device, metric, kind);
        this.created.push({ deviceId: record.deviceId, entry });
      }
      (this.index.isNew(entry, record.timeMs) ? this.rows : this.suspects)[kind].push({
        entry,
        stamp,
        value,
      });
    }
    return undefined;
  }
}

function valueOf(record: TelemetryRecord, metric: string): ReadingValue {
  return record.readings[metric] as ReadingValue; // the metric is one of its keys
}

export function stampOf(record: TelemetryRecord): Stamp {
  const { timeMs, id } = record;
  const seq = record.seq ?? -1;
  const usualId = seq >= 0 && id === `${timeMs}-${seq}`;
  return {
    timeMs,
    time: new DuckDBTimestampMillisecondsValue(BigInt(timeMs)),
    seq,
    seqColumn: BigInt(seq),
    idColumn: usualId ? 0n : BigInt(idHash(id)),
  };
}
