import { describe, expect, it } from '@jest/globals';
import { appended } from '../log-writer.js';
import { describeLogContract, type OpenedLog } from './log-contract.js';
import { createMemoryLog } from './memory-log.js';

for (const partitions of [1, 4])
  describeLogContract(`memory with ${partitions} partitions`, async (): Promise<OpenedLog> => {
    let log = createMemoryLog({ partitions });
    await log.start();
    return {
      log,
      reopen: async () => {
        await log.stop();
        log = log.restarted();
        await log.start();
        return log;
      },
      close: () => log.stop(),
    };
  });

describe('the memory log', () => {
  const record = { topic: 'fieldgate.events.v1', key: 'pump-7', value: Buffer.from('x') } as const;

  it('fails appends with log-unavailable while it is away, and takes them again when it is back', async () => {
    const log = createMemoryLog();
    await log.start();
    log.goAway();
    await expect(appended(log.writer, record)).rejects.toMatchObject({
      code: 'log-unavailable',
      retriable: true,
    });
    expect(log.problem()).toBe('the log is away');
    log.comeBack();
    expect(await appended(log.writer, record)).toEqual({ partition: 0, offset: 0 });
    expect(log.problem()).toBeUndefined();
    await log.stop();
  });

  it('stamps records with the clock that it was given', async () => {
    const log = createMemoryLog({ clock: { now: () => 1_795_210_200_123 } });
    await log.start();
    await appended(log.writer, record);
    for await (const { timestampMs } of log.reader.read(record.topic, { partition: 0, from: 0, to: 1 }))
      expect(timestampMs).toBe(1_795_210_200_123);
    await log.stop();
  });
});
