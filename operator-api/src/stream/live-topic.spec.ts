import type { Consumption, LogReader, PartitionBounds } from '@fieldgate/commit-log';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { FieldgateError } from '@fieldgate/contracts';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { LiveTopic } from './live-topic.js';

const rejected: unknown[] = [];
const note = (error: unknown): unknown => rejected.push(error);
beforeEach(() => void process.on('unhandledRejection', note));
afterEach(() => {
  process.off('unhandledRejection', note);
  rejected.length = 0;
});

/** As Kafka is while it is away: the bounds are refused, and `follow` waits until it is back. */
class AwayForAWhile {
  stopped = 0;
  private isAway = true;
  private readonly returned: (() => void)[] = [];
  readonly reader: LogReader = Object.assign(Object.create(createMemoryLog().reader) as LogReader, {
    bounds: async (): Promise<PartitionBounds[]> => {
      if (this.isAway) throw new FieldgateError('log-unavailable', 'the log is away');
      return [{ partition: 0, earliest: 0, end: 5 }];
    },
    follow: async (...[, , , { reached }]: Parameters<LogReader['follow']>): Promise<Consumption> => {
      if (this.isAway) await new Promise<void>((resolve) => this.returned.push(resolve));
      reached?.(0, 5);
      return { stop: async () => void (this.stopped += 1) };
    },
  });

  comeBack(): void {
    this.isAway = false;
    for (const resolve of this.returned) resolve();
  }
}

it('refuses a client while the log is away, and serves the next one when it is back', async () => {
  const log = new AwayForAWhile();
  const live = new LiveTopic(log.reader, 'fieldgate.alerts.v1', note);
  await expect(live.use()).rejects.toMatchObject({ code: 'log-unavailable' });
  const second = live.use();
  await expect(second).rejects.toMatchObject({ retriable: true });
  log.comeBack();
  await live.use();
  expect([...live.positions]).toEqual([[0, 5]]);
  await Promise.all([live.release(), live.release(), live.release()]);
  expect(log.stopped).toBe(1);
  expect(rejected).toEqual([]);
});

it('ends what it began for a client that was refused as soon as the log is back', async () => {
  const log = new AwayForAWhile();
  const live = new LiveTopic(log.reader, 'fieldgate.alerts.v1', note);
  await expect(live.use()).rejects.toMatchObject({ code: 'log-unavailable' });
  const released = live.release();
  log.comeBack();
  await released;
  expect(log.stopped).toBe(1);
});
