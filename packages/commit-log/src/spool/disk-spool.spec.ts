import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSpool, readAll, spooled, textsOf, type OpenSpool } from '../testing/open-spool.js';

const SMALL = { segmentBytes: 400 };
let parent: string;
let directory: string;
let opened: OpenSpool[];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'fieldgate-spool-'));
  directory = join(parent, 'spool');
  opened = [];
});
afterEach(async () => {
  for (const { spool } of opened) await spool.close();
  await rm(parent, { recursive: true });
});

async function open(options = {}): Promise<OpenSpool> {
  const result = await openSpool(directory, options);
  opened.push(result);
  return result;
}

async function segments(): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.endsWith('.spool')).sort();
}

function keys(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `k${from + index}`);
}

const same = (keysOf: string[]): string[] => keysOf.map((key) => `${key}=${key}`);

describe('the spool on disk', () => {
  it('gives back what was appended, in order, also after a restart and over many files', async () => {
    const { spool } = await open(SMALL);
    for (let n = 0; n < 200; n += 5) await spool.append(keys(n, n + 5).map((key) => spooled(key)));
    expect(spool.records).toBe(200);
    const records = await readAll(spool);
    expect(textsOf(records)).toEqual(same(keys(0, 200)));
    expect((await segments()).length).toBeGreaterThan(20);
    await spool.close();

    const again = await open(SMALL);
    expect(await readAll(again.spool)).toEqual(records);
    expect(again.spool).toMatchObject({ end: spool.end, released: 0, bytes: spool.bytes, records: 200 });
    expect(again.spool.oldestMs).toBe(1_700_000_000_000);
    await again.spool.append([spooled('k200')]);
    expect(textsOf(await readAll(again.spool))).toEqual(same(keys(0, 201)));
    expect([again.reports, again.lines]).toEqual([[], []]);
  });

  it.each([
    [{ maxRecords: 7, maxBytes: 1e6 }, 7],
    [{ maxRecords: 500, maxBytes: 1_000 }, 17],
    [{ maxRecords: 500, maxBytes: 1 }, 1],
  ])('reads no more than asked for, and never nothing: %j', async (limits, most) => {
    const { spool } = await open(SMALL);
    for (const key of keys(0, 100)) await spool.append([spooled(key)]);
    const first = await spool.read(0, limits);
    expect(first.length).toBeLessThanOrEqual(most);
    expect(textsOf(await readAll(spool, 0, limits))).toEqual(same(keys(0, 100)));
  });

  it('reads a record that is larger than a chunk', async () => {
    const { spool } = await open();
    const large = 'x'.repeat(3_000_000);
    await spool.append([spooled('a'), spooled('b', large), spooled('c')]);
    expect(textsOf(await readAll(spool))).toEqual(['a=a', `b=${large}`, 'c=c']);
  });

  it('gives small values that do not keep all in memory that was read with them', async () => {
    const { spool } = await open();
    await spool.append(keys(0, 1_000).map((key) => spooled(key)));
    const records = await spool.read(0, { maxRecords: 1_000, maxBytes: 1e6 });
    const held = new Set(records.map(({ record }) => record.value?.buffer.byteLength ?? 0));
    expect(Math.max(...held)).toBeLessThanOrEqual(Buffer.poolSize);
  });

  it('reads from any record on, and reads on when more has come', async () => {
    const { spool } = await open(SMALL);
    const { from, next } = await spool.append(keys(0, 5).map((key) => spooled(key)));
    const records = await readAll(spool);
    expect(records[0]?.at).toBe(from);
    expect(records.at(-1)?.next).toBe(next);
    expect(textsOf(await readAll(spool, records[2]?.at))).toEqual(same(keys(2, 5)));
    expect(await spool.read(next, { maxRecords: 1, maxBytes: 1 })).toEqual([]);
    for (const key of keys(5, 20)) await spool.append([spooled(key)]);
    expect(textsOf(await readAll(spool, next))).toEqual(same(keys(5, 20)));
  });

  it('has what was appended while it was read, and refuses two appends at a time', async () => {
    const { spool } = await open(SMALL);
    await spool.append([spooled('k0')]);
    const append = spool.append([spooled('k1')]);
    await expect(spool.append([spooled('k2')])).rejects.toThrow('one append at a time');
    await Promise.all([append, readAll(spool), spool.release(0)]);
    expect(textsOf(await readAll(spool))).toEqual(same(keys(0, 2)));
  });
});

describe('what is released', () => {
  it('is removed file by file, and is not read again after a restart', async () => {
    const { spool } = await open(SMALL);
    for (const key of keys(0, 40)) await spool.append([spooled(key)]);
    const records = await readAll(spool);
    const before = await segments();
    await spool.release(records[25]?.at ?? 0);
    expect((await segments()).length).toBeLessThan(before.length);
    expect(before.slice(-(await segments()).length)).toEqual(await segments());
    expect(spool).toMatchObject({ records: 15, released: records[25]?.at });
    await spool.close();

    const again = await open(SMALL);
    expect(again.spool).toMatchObject({ records: 15, released: records[25]?.at, end: spool.end });
    expect(textsOf(await readAll(again.spool))).toEqual(same(keys(25, 40)));
  });

  it('leaves no segment when it is all, and positions go on growing', async () => {
    const { spool } = await open(SMALL);
    await spool.append(keys(0, 3).map((key) => spooled(key)));
    const { end } = spool;
    await spool.release(end);
    expect(await segments()).toEqual([]);
    expect(spool).toMatchObject({ records: 0, bytes: 0, oldestMs: undefined, released: end, end });
    expect((await spool.append([spooled('k3')])).from).toBeGreaterThan(end);
    await spool.release(0); // long past
    expect(textsOf(await readAll(spool))).toEqual(['k3=k3']);
    await spool.release(spool.end);
    await spool.close();
    const again = await open(SMALL);
    expect((await again.spool.append([spooled('k4')])).from).toBeGreaterThan(spool.end);
    expect(textsOf(await readAll(again.spool))).toEqual(['k4=k4']);
  });

  it('is gone also when the process ended before its files were removed', async () => {
    const { spool } = await open(SMALL);
    for (const key of keys(0, 20)) await spool.append([spooled(key)]);
    const [oldest = ''] = await segments();
    const bytes = await readFile(join(directory, oldest));
    await spool.release((await readAll(spool))[15]?.at ?? 0);
    await spool.close();
    await writeFile(join(directory, oldest), bytes);
    const again = await open(SMALL);
    expect(await segments()).not.toContain(oldest);
    expect(textsOf(await readAll(again.spool))).toEqual(same(keys(15, 20)));
  });

  it('keeps what it should set aside and cannot: it comes again after a restart', async () => {
    const { spool } = await open();
    for (const key of keys(0, 8)) await spool.append([spooled(key)]);
    const records = await readAll(spool);
    const [third, last] = [records[2], records[7]];
    if (!third || !last) throw new Error('they are there');
    await writeFile(join(directory, 'quarantine'), 'no directory');
    expect(await spool.setAside({ from: third.at, to: third.next })).toBeUndefined();
    await spool.release(last.at);
    expect(textsOf(await readAll(spool))).toEqual(same(keys(7, 8)));
    await spool.close();
    const again = await open();
    expect(textsOf(await readAll(again.spool))).toEqual(same(keys(2, 8)));
    await rm(join(directory, 'quarantine'));
    expect(await again.spool.setAside({ from: third.at, to: third.next })).toContain('quarantine');
    await again.spool.release(last.at);
    await again.spool.close();
    expect(textsOf(await readAll((await open()).spool))).toEqual(same(keys(7, 8)));
  });

  it.each([
    ['damaged', (mark: Buffer) => mark.fill(0xff, 5, 6)],
    ['empty', () => Buffer.alloc(0)],
  ])('comes again when the mark is %s: repeated, not lost, and with one warning', async (_, damage) => {
    const { spool } = await open(SMALL);
    for (const key of keys(0, 8)) await spool.append([spooled(key)]);
    await spool.release((await readAll(spool))[1]?.at ?? 0);
    await spool.close();
    const mark = join(directory, 'released.mark');
    await writeFile(mark, damage(await readFile(mark)));
    const again = await open(SMALL);
    expect(textsOf(await readAll(again.spool))).toEqual(same(keys(0, 8)));
    expect(again.lines.map(({ msg }) => msg)).toEqual([
      'mark of the spool is damaged; all it holds is sent again',
    ]);
    await again.spool.release(again.spool.end);
    await again.spool.close();
    expect((await open(SMALL)).spool.records).toBe(0);
  });
});

describe('a directory that cannot be used', () => {
  it.each([
    ['it is a file', () => writeFile(directory, 'a file')],
    ['its parent is a file', () => rm(parent, { recursive: true }).then(() => writeFile(parent, 'a file'))],
    ['the mark is a directory', () => mkdir(join(directory, 'released.mark'), { recursive: true })],
  ])('%s', async (_, make) => {
    await make();
    await expect(open()).rejects.toMatchObject({
      code: 'spool-unusable',
      retriable: false,
      message: expect.stringContaining(directory),
    });
    await rm(parent, { recursive: true });
    await mkdir(parent);
  });

  it('another spool uses it, which goes on undisturbed', async () => {
    const { spool } = await open();
    await expect(open()).rejects.toMatchObject({
      code: 'spool-unusable',
      message: expect.stringContaining('in use by process'),
    });
    await spool.append([spooled('k0')]);
    expect(textsOf(await readAll(spool))).toEqual(['k0=k0']);
  });

  it('lets files be that are not its own', async () => {
    await mkdir(directory);
    await writeFile(join(directory, 'notes.txt'), 'mine');
    await (await open()).spool.append([spooled('k0')]);
    expect(await readFile(join(directory, 'notes.txt'), 'utf8')).toBe('mine');
  });
});
