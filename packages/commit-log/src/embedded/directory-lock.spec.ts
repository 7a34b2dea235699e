import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventLoopTurn } from '../in-process/event-loop-turn.js';
import { DirectoryLock } from './directory-lock.js';

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fieldgate-lock-'));
  path = join(directory, 'in-use.lock');
});
afterEach(() => rm(directory, { recursive: true }));

async function heldBy(holder: Record<string, unknown>): Promise<void> {
  await writeFile(path, JSON.stringify({ token: 'other', host: hostname(), ...holder }));
}

/** Of a process that is no more. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  return child.pid ?? 0;
}

/** proc(5): field 3 of /proc/pid/stat. */
async function untilInState(pid: number, state: string): Promise<void> {
  const isReached = async (): Promise<boolean> =>
    (await readFile(`/proc/${pid}/stat`, 'utf8')).includes(`) ${state} `);
  while (!(await isReached())) await eventLoopTurn();
}

describe('the lock of a data directory', () => {
  it('lets one have it at a time, and says who has it', async () => {
    const one = new DirectoryLock(directory);
    const two = new DirectoryLock(directory);
    await one.take();
    await expect(two.take()).rejects.toMatchObject({
      code: 'data-dir-unusable',
      message: `${directory} is in use by process ${process.pid} on ${hostname()}`,
    });
    await one.release();
    await one.release();
    await two.take();
    await two.release();
    expect(await readdir(directory)).toEqual([]);
  });

  it('makes the directory', async () => {
    const lock = new DirectoryLock(join(directory, 'new', 'log'));
    await lock.take();
    expect(await readdir(join(directory, 'new', 'log'))).toEqual(['in-use.lock']);
    await lock.release();
  });

  it('refuses while another process lives that has it', async () => {
    const other = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await once(other, 'spawn');
    await heldBy({ pid: other.pid });
    await expect(new DirectoryLock(directory).take()).rejects.toMatchObject({
      code: 'data-dir-unusable',
      message: `${directory} is in use by process ${other.pid} on ${hostname()}`,
    });
    other.stdin.end();
    await once(other, 'exit');
  });

  it.each([
    ['a process that is gone', async () => heldBy({ pid: await deadPid() })],
    ['an earlier process with our own id', () => heldBy({ pid: process.pid, started: '1' })],
    ['an earlier process whose id another one has now', () => heldBy({ pid: process.ppid, started: '1' })],
    ['nobody who could be read', () => writeFile(path, '{"pid":')],
  ])('takes it from %s', async (_, held) => {
    await held();
    const lock = new DirectoryLock(directory);
    await lock.take();
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  it('takes it from a process that was killed and that its parent has not noticed yet', async () => {
    const parent = spawn('sh', ['-c', 'sleep 1000 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
    const exited = once(parent, 'exit');
    const pid = Number(await once(parent.stdout, 'data'));
    try {
      parent.kill('SIGSTOP'); // it cannot look after its child
      await untilInState(parent.pid ?? 0, 'T');
      process.kill(pid, 'SIGKILL');
      await untilInState(pid, 'Z');
      await heldBy({ pid });
      const lock = new DirectoryLock(directory);
      await lock.take();
      await lock.release();
    } finally {
      parent.kill('SIGCONT');
      await exited;
    }
  });

  it('takes it from a process of another host that has been silent', async () => {
    await heldBy({ pid: 1, host: 'elsewhere' });
    await utimes(path, new Date(), new Date(Date.now() - 60_000));
    const lock = new DirectoryLock(directory);
    await lock.take();
    await lock.release();
  });

  it('removes what processes that were killed while they took it have left beside it', async () => {
    const left = async (name: string, pid: number | undefined, more = {}): Promise<void> => {
      const holder = { token: name, host: hostname(), pid, ...more };
      await writeFile(`${path}.${name}`, pid === undefined ? '{"tok' : JSON.stringify(holder));
    };
    const longAgo = new Date(Date.now() - 60_000);
    await left('d1'.repeat(12), await deadPid());
    await left('d2'.repeat(6), await deadPid());
    await left('d3'.repeat(12), process.pid, { started: '1' });
    await left('d4'.repeat(12), 1, { host: 'elsewhere' });
    await utimes(`${path}.${'d4'.repeat(12)}`, longAgo, longAgo);
    await left('d5'.repeat(12), undefined);
    await utimes(`${path}.${'d5'.repeat(12)}`, longAgo, longAgo);
    const kept = ['a1'.repeat(12), 'a2'.repeat(12), 'a3'.repeat(12), 'old'];
    await left('a1'.repeat(12), process.ppid); // it lives
    await left('a2'.repeat(12), 1, { host: 'elsewhere' }); // these may live
    await left('a3'.repeat(12), undefined);
    await left('old', await deadPid()); // somebody else's file
    const lock = new DirectoryLock(directory);
    await lock.take();
    await lock.release();
    expect((await readdir(directory)).sort()).toEqual(kept.map((name) => `in-use.lock.${name}`));
  });

  it('leaves a lock alone that is no longer its own', async () => {
    const lock = new DirectoryLock(directory);
    await lock.take();
    await heldBy({ pid: process.ppid });
    await lock.release();
    expect(await readdir(directory)).toEqual(['in-use.lock']);
  });

  it('is taken by one of many that find the lock of a dead process', async () => {
    await heldBy({ pid: await deadPid() });
    const locks = Array.from({ length: 10 }, () => new DirectoryLock(directory));
    const results = await Promise.allSettled(locks.map((lock) => lock.take()));
    const refused = results.filter((result) => result.status === 'rejected');
    expect(refused.map(({ reason }) => String(reason))).toEqual(
      Array.from({ length: 9 }, () => expect.stringContaining(`is in use by process ${process.pid}`)),
    );
    await Promise.all(locks.map((lock) => lock.release()));
    expect(await readdir(directory)).toEqual([]);
  });

  it('names the directory when it cannot be made', async () => {
    await writeFile(path, 'a file');
    await expect(new DirectoryLock(path).take()).rejects.toMatchObject({
      code: 'data-dir-unusable',
      message: expect.stringContaining(path),
    });
  });
});
