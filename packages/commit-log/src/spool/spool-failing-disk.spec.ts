import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  open as openFile,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
  type FileHandle,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSpool, readAll, spooled, textsOf, type OpenSpool } from '../testing/open-spool.js';
import type { OpenFile } from './segment-appender.js';

const CHILD = join(import.meta.dirname, '../../dist/testing/spool-to-full-disk.js');
/** In units of 1 KiB: no file can grow behind this. The system takes a part of the write that would. */
const LIMIT = 1_024;

let directory: string;
let child: ChildProcess | undefined;
let opened: OpenSpool[];
/** What fails next, and how. */
let fault: {
  readonly call: 'open' | 'write' | 'half a write' | 'datasync' | 'sync' | 'truncate';
  readonly code: string;
}[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fieldgate-spool-full-'));
  opened = [];
  fault = [];
});
afterEach(async () => {
  if (child?.exitCode === null) child.kill('SIGKILL');
  for (const { spool } of opened) await spool.close();
  await rm(directory, { recursive: true });
});

function failIf(call: string): void {
  const [next] = fault;
  if (next?.call !== call) return;
  fault.shift();
  throw Object.assign(new Error(`${next.code}: the disk says no, ${call}`), { code: next.code });
}

/** A real file on a disk that fails when it is told to; of a write that fails, half is on the disk. */
const failing: OpenFile = async (path, flags, mode) => {
  failIf('open');
  const file = await openFile(path, flags, mode);
  const write = file.write.bind(file) as (...args: unknown[]) => Promise<{ bytesWritten: number }>; // one of its forms is used
  const [datasync, sync, truncate] = [
    file.datasync.bind(file),
    file.sync.bind(file),
    file.truncate.bind(file),
  ];
  const faulty: Pick<FileHandle, 'datasync' | 'sync' | 'truncate'> & { write: unknown } = {
    datasync: async () => (failIf('datasync'), datasync()),
    sync: async () => (failIf('sync'), sync()),
    truncate: async (size) => (failIf('truncate'), truncate(size)),
    write: async (bytes: Buffer, from: number, length: number, at: number) => {
      if (fault[0]?.call === 'half a write') return (fault.shift(), write(bytes, from, length >> 1, at));
      if (fault[0]?.call === 'write') await write(bytes, from, length >> 1, at);
      failIf('write');
      return write(bytes, from, length, at);
    },
  };
  return Object.assign(file, faulty);
};

async function open(): Promise<OpenSpool> {
  const result = await openSpool(directory, { openFile: failing });
  opened.push(result);
  return result;
}

const append = (spool: OpenSpool['spool'], ...keys: string[]): Promise<unknown> =>
  spool.append(keys.map((key) => spooled(key)));

describe('an append that the disk refuses', () => {
  const cases = [
    { name: 'no space', faults: [{ call: 'write', code: 'ENOSPC' }] },
    { name: 'quota', faults: [{ call: 'write', code: 'EDQUOT' }] },
    { name: 'read-only', faults: [{ call: 'write', code: 'EROFS' }] },
    { name: 'a bad block', faults: [{ call: 'write', code: 'EIO' }] },
    { name: 'a flush that failed', faults: [{ call: 'datasync', code: 'EIO' }] },
    {
      name: 'no space, and it cannot be cut back',
      faults: [
        { call: 'write', code: 'ENOSPC' },
        { call: 'truncate', code: 'EIO' },
      ],
    },
    {
      name: 'a flush that failed, and it cannot be cut back',
      faults: [
        { call: 'datasync', code: 'EIO' },
        { call: 'truncate', code: 'EIO' },
      ],
    },
  ] as const;

  it.each(cases)(
    'does not count, the next one does, and a restart finds the same: $name',
    async ({ faults }) => {
      const { spool } = await open();
      await append(spool, 'a', 'b');
      const { end } = spool;
      fault = faults.slice();
      await expect(append(spool, 'lost', 'gone')).rejects.toMatchObject({
        code: 'spool-unwritable',
        retriable: true,
        message: expect.stringContaining(faults[0].code),
      });
      expect(fault).toEqual([]);
      expect(spool).toMatchObject({ end, records: 2 });
      expect(textsOf(await readAll(spool))).toEqual(['a=a', 'b=b']);
      await append(spool, 'c');
      await append(spool, 'd');
      const texts = ['a=a', 'b=b', 'c=c', 'd=d'];
      expect(textsOf(await readAll(spool))).toEqual(texts);
      await spool.close();
      const again = await open();
      expect(textsOf(await readAll(again.spool))).toEqual(texts);
      expect([again.reports, again.lines]).toEqual([[], []]);
    },
  );

  it.each([
    ['cannot be made', [{ call: 'open', code: 'EROFS' }]],
    ['cannot be written', [{ call: 'write', code: 'ENOSPC' }]],
    ['cannot be flushed', [{ call: 'datasync', code: 'EIO' }]],
    ['is in a directory that cannot be flushed', [{ call: 'sync', code: 'EIO' }]],
  ] as const)('to a new file, which %s', async (_, faults) => {
    const { spool } = await open();
    fault = faults.slice();
    await expect(append(spool, 'lost')).rejects.toMatchObject({ code: 'spool-unwritable' });
    expect(spool).toMatchObject({ end: 0, records: 0, bytes: 0 });
    expect((await readdir(directory)).filter((name) => name.endsWith('.spool'))).toEqual([]);
    await append(spool, 'a');
    await spool.close();
    const again = await open();
    expect(textsOf(await readAll(again.spool))).toEqual(['a=a']);
    expect(again.lines).toEqual([]);
  });

  it('is finished when the disk takes it in parts', async () => {
    const { spool } = await open();
    fault = Array.from({ length: 3 }, () => ({ call: 'half a write', code: '' }));
    await append(spool, 'a', 'b', 'c');
    expect(fault).toEqual([]);
    await spool.close();
    expect(textsOf(await readAll((await open()).spool))).toEqual(['a=a', 'b=b', 'c=c']);
  });

  it('after a flush that failed never goes on in the same file', async () => {
    const { spool } = await open();
    await append(spool, 'a');
    const name = (await readdir(directory)).find((file) => file.endsWith('.spool')) ?? '';
    const { size } = await stat(join(directory, name));
    fault = [{ call: 'datasync', code: 'EIO' }];
    await expect(append(spool, 'lost')).rejects.toMatchObject({ code: 'spool-unwritable' });
    const { end } = spool;
    const frame = size - 40; // one record, as the one that was refused
    expect((await spool.append([spooled('b')])).from).toBeGreaterThan(end + frame + 40); // nor at a position that may be on the disk
    expect((await stat(join(directory, name))).size).toBe(size);
  });
});

describe('a release that the disk refuses', () => {
  it('has removed what it could, and is made good by the next one', async () => {
    const { spool } = await open();
    await append(spool, 'a');
    fault = [{ call: 'open', code: 'ENOSPC' }];
    await expect(spool.release(spool.end)).rejects.toMatchObject({ code: 'spool-unwritable' });
    expect((await readdir(directory)).filter((name) => name.endsWith('.spool'))).toEqual([]);
    await spool.release(spool.end);
    expect((await readFile(join(directory, 'released.mark'))).readDoubleLE(4)).toBe(spool.end);
  });

  it('repeats records at a restart, and loses none', async () => {
    const { spool } = await open();
    await append(spool, 'a', 'b', 'c');
    fault = [{ call: 'sync', code: 'EIO' }];
    const [, second] = await readAll(spool);
    await expect(spool.release(second?.at ?? 0)).rejects.toMatchObject({ code: 'spool-unwritable' });
    expect(spool.records).toBe(2);
    await spool.close();
    expect(textsOf(await readAll((await open()).spool))).toEqual(['a=a', 'b=b', 'c=c']);
  });
});

describe('a full disk', () => {
  it('fails appends, loses nothing, and takes more when there is space', async () => {
    const command = `ulimit -S -f ${LIMIT}; exec "$0" "$@"`;
    const started = spawn('bash', ['-c', command, process.execPath, CHILD, directory], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child = started;
    const lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value ?? '{}');
    const full = await next();
    expect(full).toEqual({ groups: 10, codes: ['spool-unwritable', 'spool-unwritable'] });
    await promisify(execFile)('prlimit', ['--pid', `${started.pid}`, '--fsize=unlimited']);
    started.stdin.write('space\n');
    const keys = Array.from({ length: 120 }, (_, index) => `${Math.floor(index / 10)}-${index % 10}`);
    expect(await next()).toEqual({ groups: 12, failures: 0, keys });
    if (started.exitCode === null) await once(started, 'exit');
    expect(started.exitCode).toBe(0);
    const again = await open();
    expect((await readAll(again.spool)).map(({ record }) => record.key)).toEqual(keys);
    expect(again.lines).toEqual([]);
  }, 60_000);

  it('keeps room for the next start', async () => {
    const { spool } = await open();
    expect((await stat(join(directory, 'reserve'))).size).toBe(65_536);
    await append(spool, 'a');
    await spool.close();
    await writeFile(join(directory, 'reserve'), Buffer.alloc(1)); // whatever is left of it
    await writeFile(join(directory, 'reserve.probe'), Buffer.alloc(1024 * 1024)); // by a process that was killed
    await open();
    expect((await stat(join(directory, 'reserve'))).size).toBe(65_536);
    expect(existsSync(join(directory, 'reserve.probe'))).toBe(false);
  });
});
