import type { DuckDBValue } from '@duckdb/node-api';
import { mergeBuckets, mergeSeries, type TypedPoint } from '../merge-series.js';
import type { Aggregate, Series, SeriesQuery } from '../telemetry-store.js';
import type { ReadConnections } from './read-connections.js';
import { KINDS, timeLiteral, type Kind } from './schema.js';
import { entriesOf, type DeviceSeries } from './series-index.js';

/** Series in one statement; each is a scan of its own that ends at the limit. */
const SERIES_PER_STATEMENT = 16;

export async function readSeries(
  query: SeriesQuery,
  device: DeviceSeries,
  connections: ReadConnections,
): Promise<readonly Series[]> {
  const { metrics, downsample, limit } = query;
  const wanted = metrics && new Set(metrics);
  const entries = entriesOf(device).filter((entry) => !wanted || wanted.has(entry.metric));
  const points: TypedPoint[] = [];
  for (const kind of kindsFor(downsample?.aggregate)) {
    const names = new Map(
      entries.filter((entry) => entry.kind === kind).map((entry) => [entry.number, entry.metric]),
    );
    for (const statement of statements(kind, [...names.keys()], query))
      for (const row of await connections.rows(statement)) {
        const point = pointOf(row, names);
        if (Number.isFinite(point.value) || typeof point.value !== 'number') points.push(point); // a sum beyond a double is no reading
      }
  }
  return downsample ? mergeBuckets(points, downsample.aggregate, limit) : mergeSeries(points, limit);
}

function kindsFor(aggregate: Aggregate | undefined): readonly Kind[] {
  return aggregate === undefined || aggregate === 'count' || aggregate === 'last' ? KINDS : ['numbers'];
}

function statements(kind: Kind, series: readonly number[], query: SeriesQuery): string[] {
  if (series.length === 0) return [];
  if (query.downsample) return [bucketsOf(kind, series, query, query.downsample)];
  const parts: string[] = [];
  for (let start = 0; start < series.length; start += SERIES_PER_STATEMENT)
    parts.push(
      series
        .slice(start, start + SERIES_PER_STATEMENT)
        .map((number) => `(${earliestOf(kind, number, query)})`)
        .join(' UNION ALL '),
    );
  return parts;
}

function earliestOf(kind: Kind, series: number, query: SeriesQuery): string {
  return `SELECT series, epoch_ms(time)::DOUBLE, value, seq::DOUBLE FROM ${kind} WHERE series = ${series} AND ${within(query)}
    ORDER BY time, seq, rowid LIMIT ${whole(query.limit)}`;
}

/** One pass over the rows for all series. */
function bucketsOf(
  kind: Kind,
  series: readonly number[],
  query: SeriesQuery,
  { everyMs, aggregate }: NonNullable<SeriesQuery['downsample']>,
): string {
  const every = whole(everyMs);
  return `SELECT series, (epoch_ms(time) // ${every} * ${every})::DOUBLE AS bucket, ${AGGREGATED[aggregate]}, epoch_ms(max(time))::DOUBLE
    FROM ${kind} WHERE series IN (${series.join(', ')}) AND ${within(query)}
    GROUP BY series, bucket QUALIFY row_number() OVER (PARTITION BY series ORDER BY bucket) <= ${whole(query.limit)}`;
}

function within({ fromMs, toMs }: SeriesQuery): string {
  return `time >= ${timeLiteral(fromMs)} AND time < ${timeLiteral(toMs)}`;
}

const AGGREGATED: Readonly<Record<Aggregate, string>> = {
  mean: 'avg(value)',
  min: 'min(value)',
  max: 'max(value)',
  sum: 'sum(value)',
  count: 'count(*)::DOUBLE',
  last: 'max_by(value, (time, seq, rowid))',
};

function pointOf(
  [series, timeMs, value, order]: readonly DuckDBValue[],
  names: ReadonlyMap<number, string>,
): TypedPoint {
  return {
    metric: names.get(Number(series)) ?? '',
    timeMs: Number(timeMs),
    value: value as TypedPoint['value'], // a column of ours: DOUBLE, BOOLEAN or VARCHAR
    order: Number(order),
  };
}

/** Numbers stand in the text of a statement: only whole ones may. */
function whole(value: number): string {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`${value} is not a whole number from 1`);
  return String(value);
}
