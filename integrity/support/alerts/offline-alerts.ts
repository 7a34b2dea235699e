import type { Sample } from './fault-series.js';

/** What the rules below raise over a series, worked out from the whole of it; nothing here is shared with the product. */
export interface OfflineAlert {
  readonly deviceId: string;
  readonly rule: string;
  readonly raisedAt: number;
  readonly clearedAt: number | undefined;
}

/** What a device says last: a rule of its own raises an alert at once, after everything that was told before. */
export const END_RULE = 'end';

/** The same rules as the calculation's, and the end of each series. */
export const OFFLINE_RULES = `version: 1
lateness: 60s
rules:
  - { name: spike, metric: temperature, threshold: { above: 95 }, severity: critical }
  - { name: too-hot, metric: temperature, threshold: { above: 80, clearBelow: 75, for: 2m } }
  - { name: low-pressure, metric: pressure, threshold: { below: 2, clearAbove: 2.5, for: 30s } }
  - { name: heats-up, metric: temperature, rate: { above: 5, per: 1m, over: 5m } }
  - { name: silent, metric: temperature, absence: { after: 10m } }
  - { name: door-flaps, metric: door, flapping: { changes: 5, within: 2m } }
  - { name: ${END_RULE}, metric: end, threshold: { above: 0 }, lateness: 0s }
`;

const MINUTE_MS = 60_000;
type Span = readonly [raisedAt: number, clearedAt: number | undefined];

/** `samples`: of one device, in the order of device time. */
export function offlineAlerts(samples: readonly Sample[]): OfflineAlert[] {
  const deviceId = samples[0]?.deviceId ?? '';
  const temperatures = samples.map(({ at, temperature }): Point => [at, temperature]);
  const pressures = samples.map(({ at, pressure }): Point => [at, -pressure]);
  const spans: Record<string, readonly Span[]> = {
    spike: above(temperatures, { limit: 95, clear: 95, forMs: 0 }),
    'too-hot': above(temperatures, { limit: 80, clear: 75, forMs: 2 * MINUTE_MS }),
    'low-pressure': above(pressures, { limit: -2, clear: -2.5, forMs: 30_000 }),
    'heats-up': rising(temperatures, 5 * MINUTE_MS, 5),
    silent: silences(temperatures, 10 * MINUTE_MS),
    'door-flaps': flapping(samples, 5, 2 * MINUTE_MS),
  };
  return Object.entries(spans).flatMap(([rule, ofRule]) =>
    ofRule.map(([raisedAt, clearedAt]) => ({ deviceId, rule, raisedAt, clearedAt })),
  );
}

type Point = readonly [at: number, value: number];

/** From each reading beyond the limit on: did it stay so for long enough, and when did it end? */
function above(
  points: readonly Point[],
  { limit, clear, forMs }: { readonly limit: number; readonly clear: number; readonly forMs: number },
): Span[] {
  const spans: Span[] = [];
  let index = 0;
  while (index < points.length) {
    const [since, value] = points[index] ?? [0, 0];
    if (value <= limit) {
      index += 1;
      continue;
    }
    let end = index;
    while (end < points.length && (points[end]?.[1] ?? 0) > limit) end += 1;
    const raised = points.slice(index, end).find(([at]) => at - since >= forMs);
    index = end;
    if (!raised) continue;
    const cleared = points.find(([at, later]) => at > raised[0] && later <= clear);
    spans.push([raised[0], cleared?.[0]]);
    index = cleared ? points.indexOf(cleared) : points.length;
  }
  return spans;
}

function rising(points: readonly Point[], overMs: number, limit: number): Span[] {
  const known = points.flatMap(([at, value]) => {
    const before = points.findLast(([earlier]) => earlier <= at - overMs);
    if (!before || at - before[0] > 2 * overMs) return [];
    return [{ at, isBad: ((value - before[1]) / (at - before[0])) * MINUTE_MS > limit }];
  });
  const spans: Span[] = [];
  for (const [index, { at, isBad }] of known.entries()) {
    if (!isBad || known[index - 1]?.isBad === true) continue;
    spans.push([at, known.slice(index).find((later) => !later.isBad)?.at]);
  }
  return spans;
}

function silences(points: readonly Point[], afterMs: number): Span[] {
  return points.flatMap(([at], index): Span[] => {
    const next = points[index + 1]?.[0];
    return next !== undefined && next - at > afterMs ? [[at + afterMs, next]] : [];
  });
}

/** Of every moment: how many changes lie in the window before it? */
function flapping(samples: readonly Sample[], changes: number, withinMs: number): Span[] {
  const times = samples
    .filter(({ door }, index) => index > 0 && samples[index - 1]?.door !== door)
    .map(({ at }) => at);
  const full = times.flatMap((at, index): Span[] => {
    const oldest = times[index - changes + 1];
    return oldest !== undefined && at - oldest <= withinMs ? [[at, oldest + withinMs]] : [];
  });
  const spans: [number, number][] = [];
  for (const [from, to = 0] of full) {
    const last = spans.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else spans.push([from, to]);
  }
  return spans;
}
