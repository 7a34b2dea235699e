import type { CommitLog, LogWriter, Settle } from '@fieldgate/commit-log';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { DurableAppend } from './durable-append.js';

const record = { topic: 'fieldgate.devices.v1', key: 'pump-7', value: null } as const;
const readBack = (): Promise<void> => Promise.resolve();

/** A log that takes everything and answers when the test says so. */
function slowLog(): { log: CommitLog; settleAll: () => void } {
  const open: Settle[] = [];
  const memory = createMemoryLog();
  const writer: LogWriter = {
    append: (_, settle) => open.push(settle as Settle) < 0, // of the one record below
    drained: () => undefined,
  };
  const log = { ...memory, problem: () => undefined, writer };
  return {
    log,
    settleAll: () => open.forEach((settle) => settle(undefined, { partition: 0, offset: 0 }, record)),
  };
}

describe('an append of the API', () => {
  beforeEach(() => {
    jest.useFakeTimers();
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it('says after a while that the outcome is unknown', async () => {
    const { log } = slowLog();
    const append = new DurableAppend(log).append(record, readBack);
    const outcome = expect(append).rejects.toMatchObject({
      code: 'log-unavailable',
      message: expect.stringContaining('unknown'),
    });
    await jest.advanceTimersByTimeAsync(15_000);
    await outcome;
  });

  it('is refused when too many wait, and taken again afterwards', async () => {
    const { log, settleAll } = slowLog();
    const durable = new DurableAppend(log);
    const waiting = Array.from({ length: 10_000 }, () => durable.append(record, readBack));
    await expect(durable.append(record, readBack)).rejects.toMatchObject({ code: 'too-many-requests' });
    settleAll();
    await Promise.all(waiting);
    const next = durable.append(record, readBack);
    settleAll();
    await next;
  });
});
