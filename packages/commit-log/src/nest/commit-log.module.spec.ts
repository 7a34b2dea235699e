import 'reflect-metadata';
import { describe, expect, it } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { FieldgateError } from '@fieldgate/contracts';
import { createLogger, Readiness, ServiceModule, Supervisor, type Clock } from '@fieldgate/service';
import { COMMIT_LOG, type CommitLog } from '../commit-log.js';
import { Inbox } from '../testing/inbox.js';
import { createMemoryLog } from '../testing/memory-log.js';
import { CommitLogModule } from './commit-log.module.js';
import { LogStart } from './log-start.js';

const logger = createLogger({ level: 'silent' });

interface Running {
  readonly module: TestingModule;
  readonly readiness: Readiness;
  readonly failures: Inbox<unknown>;
}

async function run(log: CommitLog, monotonic: Clock = { now: () => 0 }): Promise<Running> {
  const readiness = new Readiness();
  const supervisor = new Supervisor(logger);
  const failures = new Inbox<unknown>();
  supervisor.onFailure(failures.push);
  const module = await Test.createTestingModule({
    imports: [
      ServiceModule.forRoot({ logger, readiness, supervisor, monotonic }),
      CommitLogModule.forLog(log),
    ],
  }).compile();
  await module.init();
  return { module, readiness, failures };
}

describe('the log in a Nest application', () => {
  it('is up before the log is, and ready when the log is', async () => {
    const memory = createMemoryLog();
    let open: () => void = () => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const log: CommitLog = { ...memory, start: () => opened.then(() => memory.start()) };
    const { module, readiness } = await run(log);
    expect(readiness.report().checks).toEqual({
      log: 'the log is being opened',
      spool: 'none',
      follows: 'ok',
    });
    open();
    await module.get(LogStart).started;
    await readiness.ready();
    expect(module.get(COMMIT_LOG)).toBe(log);
    memory.goAway();
    expect(readiness.report().checks).toEqual({ log: 'the log is away', spool: 'none', follows: 'ok' });
    await module.close();
  });

  it('is ready while the log is away and a spool takes what devices send, and not when that is full', async () => {
    const memory = createMemoryLog();
    let full: string | undefined;
    const status = { state: 'spooling', records: 2, bytes: 800, oldestAgeMs: 5_000 } as const;
    const log: CommitLog = { ...memory, spool: () => ({ ...status, full }) };
    const { module, readiness } = await run(log);
    await module.get(LogStart).started;
    memory.goAway();
    expect(readiness.report()).toEqual({
      ready: true,
      checks: {
        log: 'the log is away; what devices send is spooled',
        spool: 'spooling: 2 records, 800 bytes',
        follows: 'ok',
      },
    });
    full = 'the spool is full';
    expect(readiness.report()).toEqual({
      ready: false,
      checks: { log: 'the log is away', spool: 'the spool is full', follows: 'ok' },
    });
    await module.close();
  });

  it('ends the process when the log cannot be used, and nobody waits for ever', async () => {
    const error = new FieldgateError('data-damaged');
    const log: CommitLog = { ...createMemoryLog(), start: () => Promise.reject(error) };
    const { module, readiness, failures } = await run(log);
    expect(await failures.count(1)).toEqual([error]);
    await expect(module.get(LogStart).started).rejects.toBe(error);
    expect(readiness.report().ready).toBe(false);
    await module.close();
  });

  /** What a log is given for its end, when the stop has taken so long before. */
  async function graceOf(afterMs: number, different: Partial<CommitLog> = {}): Promise<readonly unknown[]> {
    const memory = createMemoryLog();
    const graces: unknown[] = [];
    const log: CommitLog = {
      ...memory,
      ...different,
      stop: (graceMs) => {
        graces.push(graceMs);
        return memory.stop();
      },
    };
    let looks = 0;
    const { module } = await run(log, { now: () => (looks++ === 0 ? 0 : afterMs) });
    await module.get(LogStart).started;
    await module.close();
    return graces;
  }

  it('stops the log at the end, with less grace than the process has', async () => {
    expect(await graceOf(2_000)).toEqual([3_000]);
  });

  it('leaves the log what the others have left of the time for the stop', async () => {
    expect(await graceOf(8_000)).toEqual([1_000]);
    expect(await graceOf(12_000)).toEqual([0]);
  });

  it('does not wait for a log that does not answer when a spool takes what it has', async () => {
    const status = {
      state: 'spooling',
      full: undefined,
      records: 2,
      bytes: 800,
      oldestAgeMs: 5_000,
    } as const;
    const problem = (): string => 'the log does not answer';
    expect(await graceOf(0, { problem, spool: () => status })).toEqual([500]);
    expect(await graceOf(0, { problem })).toEqual([3_000]);
  });
});
