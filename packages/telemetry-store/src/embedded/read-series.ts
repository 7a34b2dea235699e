import type { DuckDBValue } from '@duckdb/node-api';
import { mergeBuckets, mergeSeries, type TypedPoint } from '../merge-series.js';
import type { Aggregate, Series, SeriesQuery } from '../telemetry-store.js';
import type { ReadConnections } from './read-connections.js';
import { KINDS, timeLiteral, type Kind } from './schema.js';
import { entriesOf, type DeviceSeries, type SeriesEntry } from './series-index.js';

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
    const own = entries.filter((entry) => entry.kind === kind);
    for (let start = 0; start < own.length; start += SERIES_PER_STATEMENT) {
      const part = own.slice(start, start + SERIES_PER_STATEMENT);
      const names = new Map(part.map((entry) => [entry.number, entry.metric]));
      const rows = await connections.rows(
        part.map((entry) => `(${statement(entry, query)})`).join(' UNION ALL '),
      );
      for (const row of rows) points.push(pointOf(row, names));
    }
  }
  return downsample ? mergeBuckets(points, downsample.aggregate, limit) : mergeSeries(points, limit);
}

function kindsFor(aggregate: Aggregate | undefined): readonly Kind[] {
  return aggregate === undefined || aggregate === 'count' || aggregate === 'last' ? KINDS : ['numbers'];
}

function statement(entry: SeriesEntry, { fromMs, toMs, limit, downsample }: SeriesQuery): string {
  const rows = `FROM ${entry.kind} WHERE series = ${entry.number} AND time >= ${timeLiteral(fromMs)} AND time < ${timeLiteral(toMs)}`;
  if (!downsample)
    return `SELECT series, epoch_ms(time)::DOUBLE, value, seq::DOUBLE ${rows} ORDER BY time, seq, rowid LIMIT ${whole(limit)}`;
  const every = whole(downsample.everyMs);
  return `SELECT ${entry.number}, (epoch_ms(time) // ${every} * ${every})::DOUBLE AS bucket, ${AGGREGATED[downsample.aggregate]}, epoch_ms(max(time))::DOUBLE
    ${rows} GROUP BY bucket ORDER BY bucket LIMIT ${whole(limit)}`;
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
