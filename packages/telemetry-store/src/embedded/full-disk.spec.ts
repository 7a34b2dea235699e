import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const CHILD = join(import.meta.dirname, '../../dist/testing/write-to-full-disk.js');
/** In units of 1 KiB: nothing can be written behind this, as on a disk that is full. */
const LIMIT = 8_192;
const BATCH = 1_000;

let directory: string;
let child: ChildProcess | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fieldgate-full-'));
});
afterEach(async () => {
  if (child?.exitCode === null) child.kill('SIGKILL');
  await rm(directory, { recursive: true });
});

describe('the embedded store on a full disk', () => {
  it('asks for the batch again, says why, loses nothing and stores nothing twice when there is space', async () => {
    const command = `ulimit -S -f ${LIMIT}; exec "$0" "$@"`;
    const started = spawn('bash', ['-c', command, process.execPath, CHILD, directory], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child = started;
    const lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value ?? '{}');

    const full = await next();
    expect(full).toMatchObject({
      codes: ['store-unavailable', 'store-unavailable'],
      problem: expect.stringContaining('the telemetry store cannot write'),
    });
    await promisify(execFile)('prlimit', ['--pid', `${started.pid}`, '--fsize=unlimited']);
    started.stdin.write('space\n');

    const { batches } = full as { batches: number };
    expect(batches).toBeGreaterThan(2);
    expect(await next()).toEqual({ batches: batches + 1, problem: null, found: (batches + 1) * BATCH });
    if (started.exitCode === null) await once(started, 'exit');
    expect(started.exitCode).toBe(0);
  }, 60_000);
});
