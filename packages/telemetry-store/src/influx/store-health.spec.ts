import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FieldgateError } from '@fieldgate/contracts';
import { pino } from 'pino';
import { register } from 'prom-client';
import { StoreHealth } from './store-health.js';
import { StoreProblem } from './store-problem.js';

let nowMs: number;
let lines: { msg: string; problem?: string }[];
let health: StoreHealth;

beforeEach(() => {
  nowMs = 50_000;
  lines = [];
  const logger = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) });
  health = new StoreHealth({ store: 'influx:8086', logger, monotonic: { now: () => nowMs }, look: () => {} });
});
afterEach(() => health.stop());

const CREDENTIALS = new StoreProblem('credentials', 'refuses the user');

async function shown(): Promise<string[]> {
  const metric = await register.getSingleMetric('fieldgate_store_problem')?.get();
  return (metric?.values ?? [])
    .filter(({ value }) => value === 1)
    .map(({ labels }) => String(labels['reason']));
}

describe('the health of the store', () => {
  it('says once why nothing is stored, and once that it goes on', async () => {
    for (let attempt = 0; attempt < 5; attempt++) {
      health.failed('write', CREDENTIALS);
      nowMs += 5_000;
      health.well('look'); // queries are answered all the while
    }
    expect(health.problem).toBe('refuses the user');
    expect(await shown()).toEqual(['credentials']);
    health.well('write');
    expect(health.problem).toBeUndefined();
    expect(await shown()).toEqual([]);
    expect(lines.map(({ msg, problem }) => [msg, problem])).toEqual([
      ['telemetry store does not answer', 'credentials'],
      ['telemetry store answers again', undefined],
    ]);
  });

  it('stays in trouble for as long as it was told to wait, also when an earlier write succeeds meanwhile', async () => {
    health.failed('write', new StoreProblem('busy', 'too many requests', 60_000));
    health.well('write');
    expect(health.problem).toBe('too many requests');
    expect(await shown()).toEqual(['busy']);
    expect(() => health.admitWrite()).toThrow('too many requests');
    nowMs += 60_000;
    health.admitWrite();
    health.well('write');
    expect(health.problem).toBeUndefined();
  });

  it('does not take a frozen request that ends after the store is back for a new absence', () => {
    const frozen = new FieldgateError('store-unavailable', 'no answer within 10 s');
    const asked = nowMs;
    health.failed('write', frozen, asked - 5_000);
    nowMs += 8_000;
    health.well('write');
    nowMs += 2_000;
    health.failed('write', frozen, asked);
    expect(health.problem).toBeUndefined();
    expect(lines).toHaveLength(2);
    const askedAfter = nowMs;
    nowMs += 10_000;
    health.failed('write', frozen, askedAfter);
    expect(health.problem).toBe('no answer within 10 s');
  });

  it('does not take an answer to what was asked before the store went away for its return', () => {
    const asked = nowMs;
    nowMs += 7;
    health.failed('write', new FieldgateError('store-unavailable', 'socket hang up'), asked);
    health.well('write', asked);
    expect(health.problem).toBe('socket hang up');
    health.failed('write', new FieldgateError('store-unavailable', 'connection refused'));
    expect(lines).toHaveLength(1);
    health.well('write', nowMs);
    expect(health.problem).toBeUndefined();
  });

  it('does not take an answer from before the database was made again for a new absence', () => {
    const asked = nowMs;
    health.failed('write', new StoreProblem('database', 'no such database'), asked);
    nowMs += 100;
    health.well('write');
    health.failed('write', new StoreProblem('database', 'no such database'), asked);
    expect(health.problem).toBeUndefined();
    expect(lines).toHaveLength(2);
    health.failed('write', new StoreProblem('busy', 'HTTP 503', 1_000), asked);
    expect(health.problem).toBe('HTTP 503');
  });

  it('says it again when the reason changes', async () => {
    health.failed('write', new FieldgateError('store-unavailable', 'connection refused'));
    health.failed('write', new StoreProblem('busy', 'HTTP 503'));
    expect(lines.map(({ problem }) => problem)).toEqual(['unreachable', 'busy']);
    expect(await shown()).toEqual(['busy']);
  });

  it('believes a look when nobody writes any more: the partition has moved to another process', () => {
    health.failed('write', CREDENTIALS);
    nowMs += 40_001;
    health.well('look');
    expect(health.problem).toBeUndefined();
  });

  it('lets no write through before the time that the server has named, whichever partition it comes from', () => {
    health.failed('write', new StoreProblem('busy', 'HTTP 429', 30_000));
    nowMs += 29_999;
    expect(() => health.admitWrite()).toThrow(
      expect.objectContaining({ code: 'store-unavailable', retriable: true, message: 'HTTP 429' }),
    );
    health.failed('write', new StoreProblem('busy', 'HTTP 503', 0)); // another request, answered later
    expect(() => health.admitWrite()).toThrow();
    nowMs += 1;
    health.admitWrite();
  });
});
