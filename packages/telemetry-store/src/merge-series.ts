import type { ReadingValue } from '@fieldgate/contracts';
import type { Aggregate, Series } from './telemetry-store.js';

/** A point of one type of value; `order` decides between points of the same time. */
export interface TypedPoint {
  readonly metric: string;
  readonly timeMs: number;
  readonly value: ReadingValue;
  readonly order: number;
}

/** Points of numbers, flags and texts, each ascending in time, as series by metric name; the earliest `limit` of each stay. */
export function mergeSeries(points: readonly TypedPoint[], limit: number): Series[] {
  return [...byMetric(points)].map(([metric, own]) => ({
    metric,
    points: own
      .toSorted((a, b) => a.timeMs - b.timeMs || a.order - b.order)
      .slice(0, limit)
      .map(({ timeMs, value }) => [timeMs, value] as const),
  }));
}

/** Buckets that several types of value have filled become one: counts add up, of the last ones the later stays (`order` is its time). */
export function mergeBuckets(points: readonly TypedPoint[], aggregate: Aggregate, limit: number): Series[] {
  return [...byMetric(points)].map(([metric, own]) => {
    const buckets = new Map<number, TypedPoint>();
    for (const point of own) {
      const present = buckets.get(point.timeMs);
      buckets.set(point.timeMs, present ? merged(present, point, aggregate) : point);
    }
    const ascending = [...buckets.values()].toSorted((a, b) => a.timeMs - b.timeMs);
    return { metric, points: ascending.slice(0, limit).map(({ timeMs, value }) => [timeMs, value] as const) };
  });
}

function merged(a: TypedPoint, b: TypedPoint, aggregate: Aggregate): TypedPoint {
  if (aggregate === 'count') return { ...a, value: Number(a.value) + Number(b.value) };
  return b.order >= a.order ? b : a;
}

function byMetric(points: readonly TypedPoint[]): Map<string, TypedPoint[]> {
  const metrics = new Map<string, TypedPoint[]>();
  for (const point of points) {
    const own = metrics.get(point.metric);
    if (own) own.push(point);
    else metrics.set(point.metric, [point]);
  }
  return new Map([...metrics].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
