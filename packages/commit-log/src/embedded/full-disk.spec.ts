import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const CHILD = join(import.meta.dirname, '../../dist/testing/append-to-full-disk.js');
/** In units of 1 KiB: LMDB can write no page behind this, as on a disk that is full. */
const LIMIT = 4_096;

let directory: string;
let child: ChildProcess | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fieldgate-full-'));
});
afterEach(async () => {
  if (child?.exitCode === null) child.kill('SIGKILL');
  await rm(directory, { recursive: true });
});

describe('the embedded log on a full disk', () => {
  it('fails appends as an outage, says why, loses nothing, and goes on when there is space', async () => {
    const command = `ulimit -S -f ${LIMIT}; exec "$0" "$@"`;
    const started = spawn('bash', ['-c', command, process.execPath, CHILD, directory], {
      stdio: ['pipe', 'pipe', 'ignore'], // lmdb-js prints every failed commit
    });
    child = started;
    const lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value ?? '{}');

    const full = await next();
    expect(full).toEqual({
      settled: expect.any(Number),
      code: 'log-unavailable',
      problem: expect.stringContaining(`cannot be written in ${directory}`),
    });
    await promisify(execFile)('prlimit', ['--pid', `${started.pid}`, '--fsize=unlimited']);
    started.stdin.write('space\n');

    const { settled } = full as { settled: number };
    expect(settled).toBeGreaterThan(10);
    expect(await next()).toEqual({ settled: settled + 1, found: settled + 1, problem: null });
    if (started.exitCode === null) await once(started, 'exit');
    expect(started.exitCode).toBe(0);
  }, 30_000);
});
