import { isMetricName, type ReadingValue } from '@fieldgate/contracts';
import { mergeBuckets, mergeSeries, type TypedPoint } from '../merge-series.js';
import type { Aggregate, LatestReading, Series, SeriesQuery } from '../telemetry-store.js';
import type { InfluxQueries, Table } from './influx-queries.js';
import { fieldOf, MEASUREMENTS, metricOf, type Measurement } from './line-protocol.js';

/** A metric with one type of value. */
interface Field {
  readonly measurement: Measurement;
  readonly metric: string;
}

const NS_MAX_MS = Date.UTC(2262, 3, 11);

/**
 * `last(*)` names the fields that a device has, but not their times. Most devices send all of them together: the newest point then has
 * every time, and one request is enough; a second one asks for the rest.
 */
export async function latestReadings(
  queries: InfluxQueries,
  deviceId: string,
): Promise<readonly LatestReading[]> {
  const values = { device: deviceId };
  const tables = await queries.tables(
    MEASUREMENTS.flatMap((measurement) => [
      `SELECT last(*) FROM ${measurement} WHERE device = $device`,
      `SELECT * FROM ${measurement} WHERE device = $device ORDER BY time DESC LIMIT 1`,
    ]),
    values,
  );
  const found: (LatestReading & { measurement: Measurement })[] = [];
  const missing: Field[] = [];
  MEASUREMENTS.forEach((measurement, at) => {
    const newest = newestPoint(tables[at * 2 + 1]);
    for (const metric of metricsIn(tables[at * 2])) {
      const reading = newest.get(metric);
      if (reading) found.push({ ...reading, measurement });
      else missing.push({ measurement, metric });
    }
  });
  const rest = await queries.tables(
    missing.map(
      ({ measurement, metric }) =>
        `SELECT last("${fieldOf(metric)}") FROM ${measurement} WHERE device = $device`,
    ),
    values,
  );
  missing.forEach((field, at) => {
    const [row] = rest[at]?.rows ?? [];
    if (row) found.push({ ...field, timeMs: Number(row[0]), value: row[1] as ReadingValue }); // a field of ours
  });
  return newestPerMetric(found);
}

function newestPerMetric(readings: readonly LatestReading[]): LatestReading[] {
  const newest = new Map<string, LatestReading>();
  for (const { metric, timeMs, value } of readings)
    if (timeMs >= (newest.get(metric)?.timeMs ?? 0)) newest.set(metric, { metric, timeMs, value });
  return [...newest.values()].toSorted((a, b) => (a.metric < b.metric ? -1 : 1));
}

function newestPoint(table: Table | undefined): Map<string, LatestReading> {
  const readings = new Map<string, LatestReading>();
  const [row] = table?.rows ?? [];
  table?.columns.forEach((column, at) => {
    const value = row?.[at];
    if (column === 'time' || column === 'device' || value === null || value === undefined) return;
    const metric = metricOf(column);
    readings.set(metric, { metric, timeMs: Number(row?.[0]), value: value as ReadingValue }); // a field of ours
  });
  return readings;
}

/** The metrics that an answer to `last(*)` names. */
function metricsIn(table: Table | undefined): string[] {
  const [row] = table?.rows ?? [];
  return (table?.columns ?? [])
    .filter((column, at) => column !== 'time' && row?.[at] !== null)
    .map((column) => metricOf(column.slice('last_'.length)));
}

export async function readSeries(queries: InfluxQueries, query: SeriesQuery): Promise<readonly Series[]> {
  const { downsample, limit } = query;
  const fields = await fieldsOf(queries, query);
  const aggregated = downsample && AGGREGATED[downsample.aggregate];
  const tables = await queries.tables(
    fields.map(({ measurement, metric }) => {
      const field = `"${fieldOf(metric)}"`; // a metric name has nothing to escape
      return aggregated
        ? `SELECT ${aggregated}(${field}) FROM ${measurement} WHERE ${within(query)} GROUP BY time(${whole(downsample.everyMs)}ms) fill(none) LIMIT ${whole(limit)}`
        : `SELECT ${field} FROM ${measurement} WHERE ${within(query)} ORDER BY time LIMIT ${whole(limit)}`;
    }),
    { device: query.deviceId },
  );
  const points = tables.map((table, at) => pointsOf(table, fields[at]?.metric ?? ''));
  if (!downsample) return mergeSeries(points.flat(), limit);
  const ordered =
    downsample.aggregate === 'last' ? await withLastTimes(queries, query, fields, points) : points;
  return mergeBuckets(ordered.flat(), downsample.aggregate, limit);
}

const AGGREGATED: Readonly<Record<Aggregate, string>> = {
  mean: 'mean',
  min: 'min',
  max: 'max',
  sum: 'sum',
  count: 'count',
  last: 'last',
};

async function fieldsOf(queries: InfluxQueries, query: SeriesQuery): Promise<readonly Field[]> {
  const { aggregate = 'last' } = query.downsample ?? {};
  const measurements =
    aggregate === 'last' || aggregate === 'count' ? MEASUREMENTS : (['telemetry'] as const);
  if (query.metrics) {
    const metrics = [...new Set(query.metrics)].filter(isMetricName);
    return measurements.flatMap((measurement) => metrics.map((metric) => ({ measurement, metric })));
  }
  const tables = await queries.tables(
    measurements.map((measurement) => `SELECT last(*) FROM ${measurement} WHERE ${within(query)}`),
    { device: query.deviceId },
  );
  return measurements.flatMap((measurement, at) =>
    metricsIn(tables[at]).map((metric) => ({ measurement, metric })),
  );
}

function within({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): string {
  return `device = $device AND time >= ${instant(fromMs)}ms AND time < ${instant(toMs)}ms`;
}

export function instant(timeMs: number): number {
  return Math.ceil(Math.min(Math.max(timeMs, 0), NS_MAX_MS));
}

export function whole(value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`${value} is not a whole number from 1`);
  return value;
}

function pointsOf(table: Table, metric: string): TypedPoint[] {
  return table.rows.map(([timeMs, value], order) => ({
    metric,
    timeMs: Number(timeMs),
    value: value as ReadingValue,
    order,
  })); // a field of ours
}

/**
 * `last` in buckets does not tell when that was. Only where two types of value share a bucket must it be known; there the last point of each
 * is asked for.
 */
async function withLastTimes(
  queries: InfluxQueries,
  { deviceId, fromMs, toMs, downsample }: SeriesQuery,
  fields: readonly Field[],
  points: readonly (readonly TypedPoint[])[],
): Promise<readonly (readonly TypedPoint[])[]> {
  const everyMs = downsample?.everyMs ?? 0;
  const shared = new Map<string, number>();
  for (const { metric, timeMs } of points.flat())
    shared.set(`${metric} ${timeMs}`, (shared.get(`${metric} ${timeMs}`) ?? 0) + 1);
  const asked: { field: Field; point: TypedPoint }[] = [];
  fields.forEach((field, at) => {
    for (const point of points[at] ?? [])
      if ((shared.get(`${point.metric} ${point.timeMs}`) ?? 0) > 1) asked.push({ field, point });
  });
  const tables = await queries.tables(
    asked.map(({ field, point }) => {
      const bucket = { fromMs: Math.max(fromMs, point.timeMs), toMs: Math.min(toMs, point.timeMs + everyMs) };
      return `SELECT "${fieldOf(field.metric)}" FROM ${field.measurement} WHERE ${within(bucket)} ORDER BY time DESC LIMIT 1`;
    }),
    { device: deviceId },
  );
  const times = new Map(
    asked.map(({ point }, at) => [point, Number(tables[at]?.rows[0]?.[0] ?? point.timeMs)]),
  );
  return points.map((own) => own.map((point) => ({ ...point, order: times.get(point) ?? point.timeMs })));
}
