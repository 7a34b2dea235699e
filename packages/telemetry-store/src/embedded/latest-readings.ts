import type { LatestReading } from '../telemetry-store.js';
import type { ReadConnections } from './read-connections.js';
import { KINDS, timeLiteral } from './schema.js';
import { entriesOf, noteLatest, type DeviceSeries, type SeriesEntry } from './series-index.js';

/** How far back to look first: DuckDB skips what is older without reading it, and most devices report often. */
const WINDOWS_MS = [3_600_000, 7 * 86_400_000, Number.POSITIVE_INFINITY];

/** The newest reading of each metric: from memory once it is known, else from the file. */
export async function latestReadings(
  device: DeviceSeries,
  connections: ReadConnections,
  nowMs: number,
): Promise<readonly LatestReading[]> {
  const entries = entriesOf(device);
  for (const windowMs of WINDOWS_MS) {
    const unknown = entries.filter((entry) => !entry.latestKnown);
    if (unknown.length > 0) await readLatest(unknown, connections, nowMs - windowMs);
    if (windowMs === Number.POSITIVE_INFINITY) for (const entry of unknown) entry.latestKnown = true; // there is none
  }
  return newestPerMetric(entries);
}

async function readLatest(
  entries: readonly SeriesEntry[],
  connections: ReadConnections,
  fromMs: number,
): Promise<void> {
  for (const kind of KINDS) {
    const byNumber = new Map(
      entries.filter((entry) => entry.kind === kind).map((entry) => [entry.number, entry]),
    );
    if (byNumber.size === 0) continue;
    const rows = await connections.rows(
      `SELECT series, epoch_ms(max(time))::DOUBLE, max_by(seq, (time, seq))::DOUBLE, max_by(value, (time, seq, rowid))
       FROM ${kind} WHERE series IN (${[...byNumber.keys()].join(', ')})${fromMs === Number.NEGATIVE_INFINITY ? '' : ` AND time >= ${timeLiteral(fromMs)}`}
       GROUP BY series`,
    );
    for (const [number, timeMs, seq, value] of rows) {
      const entry = byNumber.get(Number(number));
      if (!entry) continue;
      const written = entry.latest; // by this process, after the rows that were read, or among them
      // the types of our own columns
      noteLatest(entry, Number(timeMs), Number(seq), value as number | boolean | string);
      if (written) noteLatest(entry, written.timeMs, written.seq, written.value);
      entry.latestKnown = true;
    }
  }
}

/** A metric that has changed its type has a series of each; the newer reading speaks for it. */
function newestPerMetric(entries: readonly SeriesEntry[]): LatestReading[] {
  const newest = new Map<string, LatestReading>();
  for (const { metric, latest } of entries) {
    if (!latest || latest.timeMs < (newest.get(metric)?.timeMs ?? Number.NEGATIVE_INFINITY)) continue;
    newest.set(metric, { metric, timeMs: latest.timeMs, value: latest.value });
  }
  return [...newest.values()].toSorted((a, b) => (a.metric < b.metric ? -1 : 1));
}
