import { expect, it } from '@jest/globals';
import {
  durationMs,
  expandInfluxQl,
  expandPromQl,
  panelIntervalMs,
  type QueryContext,
} from './expand-query.js';

const context: QueryContext = {
  fromMs: 1_000,
  toMs: 901_000,
  intervalMs: 2_000,
  minIntervalMs: 15_000,
  variables: {
    device: { chosen: ['pump.7'], multi: false },
    metric: { chosen: ['a', 'b/c'], multi: true },
    all: { chosen: ['x', 'y'], multi: true, allValue: '.*' },
  },
};

it('puts in the time range and the width of a point, longest name first', () => {
  expect(
    expandInfluxQl('WHERE $timeFilter GROUP BY time($__interval), $interval $__interval_ms', context),
  ).toBe('WHERE time >= 1000ms and time <= 901000ms GROUP BY time(2s), 2s 2000');
});

it.each([
  ['$device', 'pump.7'],
  ['[[device]]', 'pump.7'],
  ['${device:regex}', 'pump\\.7'],
  ['[[device:regex]]', 'pump\\.7'],
  ['$metric', '(a|b\\/c)'],
  ['${metric:regex}', '(a|b\\/c)'],
  ['${metric:csv}', 'a,b/c'],
  ['${metric:pipe}', 'a|b/c'],
  ['$all ${all:regex}', '.* .*'],
  ['$devices ${unknown} /^x$/', '$devices ${unknown} /^x$/'],
])('writes %s as %s', (query, expanded) => {
  expect(expandInfluxQl(query, context)).toBe(expanded);
});

it('knows the macros of Prometheus, and escapes for a string in PromQL', () => {
  expect(expandPromQl('x{d=~"$metric"}[$__rate_interval] [$__interval] [$__range] $__range_s', context)).toBe(
    'x{d=~"(a|b/c)"}[1m] [2s] [900s] 900',
  );
  const dotted = { ...context, variables: { i: { chosen: ['10.0.0.1:8080'], multi: true } } };
  expect(expandPromQl('{i=~"$i"}', dotted)).toBe('{i=~"10\\\\.0\\\\.0\\\\.1:8080"}');
  expect(expandPromQl('[$__rate_interval]', { ...context, intervalMs: 60_000 })).toBe('[75s]');
});

it('refuses a format that it does not know', () => {
  expect(() => expandInfluxQl('${device:lucene}', context)).toThrow('lucene');
});

it('rounds the width of a point as a panel does', () => {
  expect(panelIntervalMs(0, 900_000, 1_000)).toBe(1_000);
  expect(panelIntervalMs(0, 6 * 3_600_000, 1_000)).toBe(20_000);
  expect(panelIntervalMs(0, 900_000, 60_000)).toBe(60_000);
  expect(durationMs('15s')).toBe(15_000);
});
