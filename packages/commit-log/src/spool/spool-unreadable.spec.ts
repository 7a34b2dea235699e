import {
  appendFile,
  mkdtemp,
  open as openReal,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSpool, readAll, spooled, textsOf, type OpenSpool } from '../testing/open-spool.js';
import type { DiskSpool } from './disk-spool.js';
import type { OpenFile } from './segment-appender.js';

/** A start asks a bad disk again for some seconds. */
const LONG_MS = 60_000;
const KEYS = Array.from({ length: 300 }, (_, n) => `k${n}`);
const TEXTS = KEYS.map((key) => `${key}=${key}`);
const BLOCK_BYTES = 4_096;

let directory: string;
let opened: OpenSpool[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fieldgate-spool-unreadable-'));
  opened = [];
});
afterEach(async () => {
  for (const { spool } of opened) await spool.close();
  await rm(directory, { recursive: true });
});

async function open(options = {}): Promise<OpenSpool> {
  const result = await openSpool(directory, options);
  opened.push(result);
  return result;
}

async function segments(): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.spool'));
  return names.sort().map((name) => join(directory, name));
}

/** Of each segment the second block is bad. */
const withBadBlock: OpenFile = async (path, flags, mode) => {
  const file = await openReal(path, flags, mode);
  if (!String(path).endsWith('.spool')) return file;
  const read = file.read.bind(file) as (...args: unknown[]) => Promise<unknown>; // one of its forms is used
  return Object.assign(file, {
    read: async (into: Buffer, at: number, length: number, position: number) => {
      if (position < 2 * BLOCK_BYTES && position + length > BLOCK_BYTES)
        throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
      return read(into, at, length, position);
    },
  });
};

async function append(spool: DiskSpool, keys: readonly string[]): Promise<void> {
  await spool.append(keys.map((key) => spooled(key)));
}

/** As the drain does it. */
async function readInTheEnd(spool: DiskSpool): Promise<string[]> {
  for (let tries = 0; tries < 20; tries += 1) {
    try {
      return textsOf(await readAll(spool));
    } catch (error) {
      expect(error).toMatchObject({ code: 'spool-unreadable', retriable: true });
    }
  }
  throw new Error('it is not read');
}

function unreadableIn({ reports }: OpenSpool): number {
  return reports.reduce((sum, { unreadableBytes = 0 }) => sum + unreadableBytes, 0);
}

/** All but one row of them. */
function expectAllBut(texts: readonly string[], missing: { readonly atMost: number }): void {
  const kept = texts.findIndex((text, index) => text !== TEXTS[index]);
  expect(texts).toEqual(TEXTS.slice(0, kept).concat(TEXTS.slice(TEXTS.length - texts.length + kept)));
  expect(TEXTS.length - texts.length).toBeLessThanOrEqual(missing.atMost);
}

describe('a block that cannot be read', () => {
  it('costs the records that are in it, after some tries, and its file is kept', async () => {
    const subject = await open({ openFile: withBadBlock });
    const { spool } = subject;
    await append(spool, KEYS);
    const [path = ''] = await segments();
    const bytes = await readFile(path);
    for (let tries = 0; tries < 3; tries += 1)
      await expect(readAll(spool)).rejects.toMatchObject({ code: 'spool-unreadable' });
    expect(subject.reports).toEqual([]); // it is tried again first
    expectAllBut(await readInTheEnd(spool), { atMost: 100 });
    expect(unreadableIn(subject)).toBe(BLOCK_BYTES);
    expect(subject.lines.map(({ msg }) => msg)).toContain('damaged records in the spool');
    const reported = subject.reports.length;
    await readInTheEnd(spool);
    expect(subject.reports).toHaveLength(reported); // once
    await append(spool, ['new']);
    expect((await readInTheEnd(spool)).at(-1)).toBe('new=new');
    await spool.release(spool.end);
    expect(await segments()).toEqual([]);
    const quarantine = join(directory, 'quarantine');
    const whole = (await readdir(quarantine)).find((name) => name.endsWith('.whole')) ?? '';
    expect(await readFile(join(quarantine, whole))).toEqual(bytes);
  });

  it(
    'does not keep the spool from starting',
    async () => {
      const { spool } = await open();
      await append(spool, KEYS);
      await spool.close();
      const again = await open({ openFile: withBadBlock });
      const texts = await readInTheEnd(again.spool);
      expectAllBut(texts, { atMost: 100 });
      expect(unreadableIn(again)).toBe(BLOCK_BYTES);
      await again.spool.close();
      const third = await open({ openFile: withBadBlock });
      expect([await readInTheEnd(third.spool), third.reports]).toEqual([texts, []]);
    },
    LONG_MS,
  );

  it(
    'is asked again when it holds the beginning of a file, which says what of the file before counts',
    async () => {
      const first = await open({ segmentBytes: 400 });
      for (const key of KEYS.slice(0, 20)) await append(first.spool, [key]);
      const [, second = ''] = await segments();
      const newer = await readFile(second);
      await first.spool.close();
      let failures = 0;
      const openFile: OpenFile = async (path, flags, mode) => {
        const file = await openReal(path, flags, mode);
        if (path !== second) return file;
        const read = file.read.bind(file) as (...args: unknown[]) => Promise<unknown>; // one of its forms is used
        return Object.assign(file, {
          read: async (...args: unknown[]) => {
            if (failures++ < 2) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
            return read(...args);
          },
        });
      };
      const [oldest = ''] = await segments();
      await appendFile(oldest, newer.subarray(0, 40)); // what an append has left that failed
      const again = await open({ segmentBytes: 400, openFile });
      expect(textsOf(await readAll(again.spool))).toEqual(TEXTS.slice(0, 20));
      expect([again.reports, failures]).toEqual([[], expect.any(Number)]);
      expect(failures).toBeGreaterThan(2);
    },
    LONG_MS,
  );

  it('is no reason to give anything up when the disk gives it after a while', async () => {
    let isBad = true;
    const openFile: OpenFile = (path, flags, mode) => (isBad ? withBadBlock : openReal)(path, flags, mode);
    const { spool, reports } = await open({ openFile });
    await append(spool, KEYS);
    await expect(readAll(spool)).rejects.toMatchObject({ code: 'spool-unreadable' });
    isBad = false;
    await spool.close();
    const again = await open({ openFile });
    expect(textsOf(await readAll(again.spool))).toEqual(TEXTS);
    expect(reports.concat(again.reports)).toEqual([]);
  });
});

describe('a file of the spool', () => {
  it.each([
    ['shortened', (path: string) => truncate(path, 2 * BLOCK_BYTES)],
    ['removed', (path: string) => rm(path)],
  ])('that was %s costs what was in it, and no more', async (_, harm) => {
    const subject = await open({ segmentBytes: 400 });
    const { spool } = subject;
    await append(spool, KEYS);
    await append(spool, ['b']);
    const [first = ''] = await segments();
    const { size } = await stat(first);
    expect(size).toBeGreaterThan(2 * BLOCK_BYTES);
    await harm(first);
    const texts = await readInTheEnd(spool);
    expect(texts.at(-1)).toBe('b=b');
    expect(texts.slice(0, -1)).toEqual(TEXTS.slice(0, texts.length - 1));
    const left = await stat(first).then(
      (found) => found.size,
      () => 0,
    );
    expect(unreadableIn(subject)).toBe(size - left);
    await append(spool, ['new']);
    expect((await readInTheEnd(spool)).slice(-2)).toEqual(['b=b', 'new=new']);
    await spool.release(spool.end);
    expect(await segments()).toEqual([]);
  });

  it('that was removed takes no more records once it is given up, also when one was just being written', async () => {
    const flush = new Gate();
    const { spool } = await open({ openFile: flush.openFile });
    await append(spool, ['a']);
    const [path = ''] = await segments();
    await rm(path);
    for (let tries = 0; tries < 5; tries += 1)
      await expect(readAll(spool)).rejects.toMatchObject({ code: 'spool-unreadable' });
    flush.close();
    const written = append(spool, ['written meanwhile']);
    await flush.reached;
    await expect(readAll(spool)).rejects.toMatchObject({ code: 'spool-unreadable' }); // once more, and it is given up
    flush.open();
    await written;
    await append(spool, ['new']);
    expect(await readInTheEnd(spool)).toEqual(['new=new']);
    expect(await segments()).toHaveLength(1);
  });

  it.each([
    ['shortened', (path: string) => truncate(path, 2 * BLOCK_BYTES)],
    ['removed', (path: string) => rm(path)],
  ])('that was %s before the start is missed, and reported once', async (_, harm) => {
    const { spool } = await open({ segmentBytes: 400 });
    for (const keys of [['a'], KEYS, ['b']]) await append(spool, keys);
    await spool.close();
    const [, second = ''] = await segments();
    await harm(second);
    const again = await open();
    const texts = textsOf(await readAll(again.spool));
    expect([texts[0], texts.at(-1)]).toEqual(['a=a', 'b=b']);
    expect(texts.slice(1, -1)).toEqual(TEXTS.slice(0, texts.length - 2));
    expect(unreadableIn(again)).toBeGreaterThan(BLOCK_BYTES);
    await again.spool.close();
    const third = await open();
    expect([textsOf(await readAll(third.spool)), third.reports]).toEqual([texts, []]);
  });
});

it(
  'says in the end that a spool cannot be used of which the disk does not even say how long a file is',
  async () => {
    await symlink(join(directory, 'nowhere'), join(directory, '0000000000000000-0000abcd.spool'));
    await expect(openSpool(directory)).rejects.toMatchObject({
      code: 'spool-unusable',
      message: expect.stringContaining('0000abcd.spool'),
    });
  },
  LONG_MS,
);

/** Flushes wait at it while it is closed. */
class Gate {
  /** By the first flush since it was closed. */
  reached = Promise.resolve();
  private opened = Promise.resolve();
  private reach = (): void => undefined;
  open = (): void => undefined;

  close(): void {
    this.reached = new Promise((resolve) => (this.reach = resolve));
    this.opened = new Promise((resolve) => (this.open = resolve));
  }

  readonly openFile: OpenFile = async (path, flags, mode) => {
    const file = await openReal(path, flags, mode);
    const datasync = file.datasync.bind(file);
    return Object.assign(file, {
      datasync: async () => {
        this.reach();
        await this.opened;
        return datasync();
      },
    });
  };
}
