import type { DuckDBValue } from '@duckdb/node-api';
import { asStored, MissingRecords, runsOf, type Wanted } from '../missing-records.js';
import type { MissingRecord, SaidRecord } from '../telemetry-store.js';
import type { ReadConnections } from './read-connections.js';
import { KINDS, kindOf, timeLiteral, type Kind } from './schema.js';
import { stampOf, type Stamp } from './staged-batch.js';

/** Rows outside of a run are skipped by row groups, which are large: a shorter gap costs more statements than it saves. */
const GAP_MS = 600_000;

/** One metric of a record. */
interface Place {
  readonly index: number;
  readonly timeMs: number;
  readonly metric: string;
  readonly series: number;
  readonly stamp: Stamp;
  readonly value: unknown;
}

/** Looks each metric up by its series, time, seq and id, as the writer does with what may be there already. */
export async function findMissing(
  batch: readonly SaidRecord[],
  connections: ReadConnections,
): Promise<readonly MissingRecord[]> {
  const records = new MissingRecords(batch);
  const places = await placesOf(records.telemetry, connections);
  for (const kind of KINDS)
    for (const run of runsOf(places[kind], GAP_MS))
      for (const place of await storedAmong(kind, run, connections))
        records.foundMetric(place.index, place.metric);
  for (const run of runsOf(records.event, GAP_MS))
    for (const { index } of await eventsAmong(run, connections)) records.foundEvent(index);
  return records.rest();
}

/** A metric that has no series of its device was never stored. */
async function placesOf(
  wanted: readonly Wanted<'telemetry'>[],
  connections: ReadConnections,
): Promise<Readonly<Record<Kind, Place[]>>> {
  const places: Record<Kind, Place[]> = { numbers: [], flags: [], texts: [] };
  if (wanted.length === 0) return places;
  const series = await seriesOf(wanted, connections);
  for (const { index, timeMs, deviceId, record } of wanted) {
    const stamp = stampOf(record);
    for (const [metric, value] of Object.entries(record.readings)) {
      const kind = kindOf(value);
      const number = series.get(`${deviceId} ${metric} ${kind}`);
      if (number !== undefined)
        places[kind].push({ index, timeMs, metric, series: number, stamp, value: asStored(value) });
    }
  }
  return places;
}

/** Asked of the file, not of the writer's index: a reader must not wait for the writer. */
async function seriesOf(
  wanted: readonly Wanted<'telemetry'>[],
  connections: ReadConnections,
): Promise<ReadonlyMap<string, number>> {
  const rows = await connections.rows(
    `SELECT series, device, metric, kind FROM series WHERE device IN ${DEVICES}`,
    [devicesOf(wanted)],
  );
  return new Map(rows.map(([number, ...name]) => [name.join(' '), Number(number)]));
}

async function storedAmong(
  kind: Kind,
  places: readonly Place[],
  connections: ReadConnections,
): Promise<readonly Place[]> {
  const rows = await connections.rows(
    `SELECT w.place, r.value FROM ${kind} r JOIN (
       SELECT ${column(1)}::INTEGER AS place, ${column(2)}::INTEGER AS series, epoch_ms(${column(3)}::BIGINT)::TIMESTAMP_MS AS time,
         ${column(4)}::BIGINT AS seq, ${column(5)}::BIGINT AS id) w USING (series, time, seq, id)
     WHERE ${within(places)}`,
    [
      places.map((_, at) => at),
      places.map(({ series }) => series),
      places.map(({ timeMs }) => timeMs),
      places.map(({ stamp }) => stamp.seqColumn),
      places.map(({ stamp }) => stamp.idColumn),
    ].map((numbers) => numbers.join(',')),
  );
  return rows.flatMap(([at, value]) => {
    const place = places[Number(at)];
    return place && place.value === value ? [place] : [];
  });
}

/** Events are few: those of these devices at that time are compared here. */
async function eventsAmong(
  wanted: readonly Wanted<'event'>[],
  connections: ReadConnections,
): Promise<readonly Wanted<'event'>[]> {
  const rows = await connections.rows(
    `SELECT device, epoch_ms(time)::DOUBLE, id FROM events WHERE ${within(wanted)} AND device IN ${DEVICES}`,
    [devicesOf(wanted)],
  );
  const stored = new Set(rows.map((row: readonly DuckDBValue[]) => row.join(' ')));
  return wanted.filter(({ deviceId, timeMs, record }) => stored.has(`${deviceId} ${timeMs} ${record.id}`));
}

const DEVICES = '(SELECT unnest(string_split($1, chr(10))))'; // a device id has no line end

function devicesOf(wanted: readonly { readonly deviceId: string }[]): string {
  return [...new Set(wanted.map(({ deviceId }) => deviceId))].join('\n');
}

function column(number: number): string {
  return `unnest(string_split($${number}, ','))`;
}

/** They are in the order of time. */
function within(wanted: readonly { readonly timeMs: number }[]): string {
  return `time BETWEEN ${timeLiteral(wanted[0]?.timeMs ?? 0)} AND ${timeLiteral(wanted.at(-1)?.timeMs ?? 0)}`;
}
