import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@fieldgate/service';
import { T0, telemetry } from '../testing/records.js';
import type { TelemetryStore } from '../telemetry-store.js';
import { createEmbeddedStore } from './embedded-store.js';

/** As `npm test` has built it: a process of its own cannot run TypeScript. */
const CHILD = join(import.meta.dirname, '../../dist/testing/write-until-killed.js');
const ROUNDS = 5;

let directory: string;
let children: ChildProcess[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fieldgate-kill-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  await rm(directory, { recursive: true });
});

/** Starts the writer; resolves with what it said was stored, per partition, when `enough` says so and it has been killed. */
async function writeAndKill(
  firstOffset: number,
  enough: (lines: number) => boolean,
): Promise<Map<number, number>> {
  const child = spawn(process.execPath, [CHILD, directory, 'pump', String(firstOffset)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const exited = once(child, 'exit');
  const stored = new Map<number, number>();
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [partition, offset] = line.split(' ').map(Number);
    if (partition !== undefined && offset !== undefined) stored.set(partition, offset);
    if (enough(++lines)) child.kill('SIGKILL');
  }
  await exited;
  return stored;
}

async function withStore<T>(use: (store: TelemetryStore) => Promise<T>): Promise<T> {
  const store = createEmbeddedStore({
    directory: join(directory, 'store'),
    clock: { now: () => T0 },
    logger: createLogger({ level: 'silent' }),
  });
  await store.start();
  try {
    return await use(store);
  } finally {
    await store.stop();
  }
}

describe('the embedded store and its process', () => {
  it('has every reading of a resolved write after kill -9, once, also when the batch is delivered again', async () => {
    let next = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const stored = await writeAndKill(next, (lines) => lines >= 10 + round * 7);
      next = Math.min(...stored.values());
      await withStore(async (store) => {
        for (const [partition, offset] of stored) {
          const series = await store.series({
            deviceId: `pump-${partition}`,
            fromMs: 0,
            toMs: T0 * 2,
            limit: 10_000,
          });
          expect(series.map(({ metric }) => metric)).toEqual(['n', 'on', 'text']);
          for (const { points } of series) {
            const times = points.map(([timeMs]) => timeMs - T0);
            expect(times).toEqual(times.map((_, index) => index)); // without a gap, none twice: what was delivered again in this round too
            expect(times.length).toBeGreaterThanOrEqual(offset);
            expect(times.length % 20).toBe(0); // whole batches
          }
        }
      });
      next = Math.max(0, next - 40); // the log delivers again what it had not yet noted
    }
  }, 60_000);

  it('refuses a directory that another process has open, and names that process', async () => {
    const child = spawn(process.execPath, [CHILD, directory, 'pump', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    await once(child.stdout, 'data'); // it is open
    const refusal = expect.objectContaining({
      code: 'data-dir-unusable',
      retriable: false,
      message: expect.stringContaining(`another process (pid ${child.pid}) has it open`),
    });
    await expect(withStore(() => Promise.resolve())).rejects.toEqual(refusal);
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    await withStore((store) => store.write([telemetry('other', { t: 1 })]));
  }, 30_000);
});
