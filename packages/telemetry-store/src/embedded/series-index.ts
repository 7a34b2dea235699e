import type { DuckDBConnection } from '@duckdb/node-api';
import type { ReadingValue } from '@fieldgate/contracts';
import { KINDS, type Kind } from './schema.js';

/** One metric of one device with one type of value, and its newest reading as far as it is known. */
export interface SeriesEntry {
  readonly number: number;
  readonly metric: string;
  readonly kind: Kind;
  latest: { readonly timeMs: number; readonly seq: number; readonly value: ReadingValue } | undefined;
  /** Nothing of this series in the file is newer than this; epoch ms. */
  ceilingMs: number;
  /** Whether `latest` speaks for the whole file, or only for what this process has written. */
  latestKnown: boolean;
}

export type DeviceSeries = Readonly<Record<Kind, Map<string, SeriesEntry>>>;

export function entriesOf(device: DeviceSeries): SeriesEntry[] {
  return KINDS.flatMap((kind) => [...device[kind].values()]);
}

/** The newer one stays; of one millisecond the one with the higher `seq`, else the one that came later. */
export function noteLatest(entry: SeriesEntry, timeMs: number, seq: number, value: ReadingValue): void {
  const { latest } = entry;
  if (latest && (timeMs < latest.timeMs || (timeMs === latest.timeMs && seq < latest.seq))) return;
  entry.latest = { timeMs, seq, value };
}

/** Which number a series has in the file; the devices used most recently are kept in memory. Used by the writer alone, between transactions. */
export class SeriesIndex {
  private readonly devices = new Map<string, DeviceSeries>();
  private held = 0;
  private next = 0;
  /** Of all readings in the file. */
  private newestMs = 0;

  /** `maxHeld` series are kept, about 200 bytes each. */
  constructor(private readonly maxHeld: number) {}

  async start(connection: DuckDBConnection): Promise<void> {
    const [row] = await rowsOf(connection, LIMITS, []);
    this.devices.clear();
    this.held = 0;
    // never lower than before: a query that is under way may still hold a number that was rolled back
    this.next = Math.max(this.next, Number(row?.[0] ?? 0) + 1);
    this.newestMs = Number(row?.[1] ?? 0);
  }

  get(deviceId: string): DeviceSeries | undefined {
    return this.devices.get(deviceId);
  }

  /** Looks the devices up that are not in memory; afterwards all of them are, even when there are more than may stay. */
  async load(connection: DuckDBConnection, deviceIds: ReadonlySet<string>): Promise<void> {
    const missing = [...deviceIds].filter((deviceId) => !this.touch(deviceId));
    if (missing.length === 0) return;
    for (const deviceId of missing)
      this.devices.set(deviceId, { numbers: new Map(), flags: new Map(), texts: new Map() });
    const rows = await rowsOf(
      connection,
      'SELECT series, device, metric, kind FROM series WHERE device IN (SELECT unnest(string_split($1, chr(10))))',
      [missing.join('\n')], // a device id has no line end
    );
    for (const [number, deviceId, metric, kind] of rows)
      // the columns of our own table
      this.add(this.devices.get(String(deviceId)), Number(number), String(metric), kind as Kind, false);
    this.evict(deviceIds);
  }

  create(device: DeviceSeries, metric: string, kind: Kind): SeriesEntry {
    return this.add(device, this.next++, metric, kind, true);
  }

  /**
   * Whether a reading that is now going to be stored is newer than all of its series: then it cannot be in the file, and need not be looked
   * for. Of a series that this process has not written yet only the newest reading of the whole file is known.
   */
  isNew(entry: SeriesEntry, timeMs: number): boolean {
    if (timeMs <= entry.ceilingMs) return false;
    entry.ceilingMs = timeMs;
    if (timeMs > this.newestMs) this.newestMs = timeMs;
    return true;
  }

  /** After a deletion: what was newest may be gone. */
  forgetLatest(): void {
    for (const device of this.devices.values())
      for (const entry of entriesOf(device)) {
        entry.latest = undefined;
        entry.latestKnown = false;
      }
  }

  private add(
    device: DeviceSeries | undefined,
    number: number,
    metric: string,
    kind: Kind,
    latestKnown: boolean,
  ): SeriesEntry {
    const ceilingMs = latestKnown ? -1 : this.newestMs;
    const entry: SeriesEntry = { number, metric, kind, latest: undefined, latestKnown, ceilingMs };
    device?.[kind].set(metric, entry);
    this.held++;
    return entry;
  }

  private touch(deviceId: string): boolean {
    const device = this.devices.get(deviceId);
    if (!device) return false;
    this.devices.delete(deviceId);
    this.devices.set(deviceId, device);
    return true;
  }

  private evict(keep: ReadonlySet<string>): void {
    for (const [deviceId, device] of this.devices) {
      if (this.held <= this.maxHeld && this.devices.size <= this.maxHeld) return;
      if (keep.has(deviceId)) continue;
      this.devices.delete(deviceId);
      this.held -= KINDS.reduce((sum, kind) => sum + device[kind].size, 0);
    }
  }
}

const LIMITS = `SELECT (SELECT coalesce(max(series), 0) FROM series), coalesce(epoch_ms(greatest(
  (SELECT max(time) FROM numbers), (SELECT max(time) FROM flags), (SELECT max(time) FROM texts))), 0)::DOUBLE`;

async function rowsOf(connection: DuckDBConnection, sql: string, values: string[]): Promise<unknown[][]> {
  return (await connection.runAndReadAll(sql, values)).getRows();
}
