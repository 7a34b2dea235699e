import type { Series } from './answers.js';
import { SCRAPE_MS } from './prometheus-beside.js';

/** `$__rate_interval` of Grafana is so many scrapes. */
export const RATE_SCRAPES = 4;
const WINDOW_MS = RATE_SCRAPES * SCRAPE_MS;
/** A window's end that is farther from its samples than this many of their distances is not one that a sample is missing at. */
const NEAR = 1.1;

/**
 * Per second: what `rate` over a window that ends at `at` (ms) makes of the samples of a counter, or `undefined` where fewer than two lie in
 * it. Prometheus takes the rise between the first and the last sample to go on to the ends of the window, at most half a distance of two
 * samples when the end is far, and never to before the counter was 0. (Prometheus 2, `extrapolatedRate`.)
 */
export function rateAt(samples: Series['rows'], at: number): number | undefined {
  const window = samples
    .map(([time, value]) => [Number(time), Number(value)] as const)
    .filter(([time]) => time >= at - WINDOW_MS && time <= at);
  const [first, last] = [window[0], window.at(-1)];
  if (!first || !last || window.length < 2) return undefined;
  const risen = riseOf(window.map(([, value]) => value));
  const sampled = last[0] - first[0];
  const distance = sampled / (window.length - 1);
  const sinceZero = risen > 0 ? (sampled * first[1]) / risen : Infinity;
  const before = Math.min(first[0] - (at - WINDOW_MS), sinceZero);
  const reached = [before, at - last[0]].reduce(
    (span, gap) => span + (gap < distance * NEAR ? gap : distance / 2),
    sampled,
  );
  return (risen * (reached / sampled)) / (WINDOW_MS / 1_000);
}

/** A counter that is lower than before has begun at 0 again. */
function riseOf(values: readonly number[]): number {
  const steps = values.slice(1).map((value, index) => [values[index] ?? 0, value] as const);
  return steps.reduce((total, [before, value]) => total + (value < before ? value : value - before), 0);
}
