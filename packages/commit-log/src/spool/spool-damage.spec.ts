import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSpool, readAll, spooled, textsOf, type OpenSpool } from '../testing/open-spool.js';
import { FrameEncoder, frameBound } from './record-frame.js';

let directory: string;
let opened: OpenSpool[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fieldgate-spool-damage-'));
  opened = [];
});
afterEach(async () => {
  for (const { spool } of opened) await spool.close();
  await rm(directory, { recursive: true });
});

async function open(): Promise<OpenSpool> {
  const result = await openSpool(directory, { segmentBytes: 200 });
  opened.push(result);
  return result;
}

/** Each group is a write of its own. */
async function write(groups: readonly (readonly string[])[]): Promise<void> {
  const { spool } = await openSpool(directory, { segmentBytes: 200 });
  for (const group of groups) await spool.append(group.map((key) => spooled(key)));
  await spool.close();
}

async function segments(): Promise<string[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.spool'));
  return names.sort().map((name) => join(directory, name));
}

function withFlipped(bytes: Buffer, bit: number): Buffer {
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return flipped;
}

/** What a start finds, and that it goes on from there. */
async function found(): Promise<{ texts: string[]; reports: number; lines: string[] }> {
  const { spool, reports, lines } = await open();
  const texts = textsOf(await readAll(spool));
  const { records } = spool;
  await spool.append([spooled('new')]);
  const after = textsOf(await readAll(spool));
  await spool.close();
  expect(after).toEqual(texts.concat('new=new'));
  expect(records).toBe(texts.length);
  return { texts, reports: reports.length, lines: lines.map(({ msg }) => msg) };
}

/** The directory as it was, except for one file. */
async function restore(files: ReadonlyMap<string, Buffer>): Promise<void> {
  for (const path of await segments()) if (!files.has(path)) await rm(path);
  await rm(join(directory, 'quarantine'), { recursive: true, force: true });
  for (const [path, bytes] of files) await writeFile(path, bytes);
}

const CUT = 'torn tail of the spool is cut off';
const TEXTS = ['a=a', 'b=b', 'c=c', 'd=d'];

describe('a torn tail', () => {
  it('is cut at every byte of the last record, with one warning, and nothing else is lost', async () => {
    await write([
      ['a', 'b'],
      ['c', 'd'],
    ]); // two segments
    const [first = '', second = ''] = await segments();
    const files = new Map([
      [first, await readFile(first)],
      [second, await readFile(second)],
    ]);
    const whole = files.get(second)?.length ?? 0;
    const lastAt = 40 + (whole - 40) / 2;
    for (let size = lastAt; size < whole; size += 1) {
      await restore(files);
      await truncate(second, size);
      const cut = size === lastAt ? [] : [CUT];
      expect([size, await found()]).toEqual([size, { texts: TEXTS.slice(0, 3), reports: 0, lines: cut }]);
      expect((await found()).lines).toEqual([]); // once
    }
    for (let size = 0; size < lastAt; size += 1) {
      await restore(files);
      await truncate(second, size);
      const { texts, reports } = await found();
      expect([size, texts, reports]).toEqual([size, TEXTS.slice(0, 2), 0]);
    }
  }, 120_000);

  it('is cut when the file has grown before its bytes were there', async () => {
    await write([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    const [first = '', second = ''] = await segments();
    const files = new Map([
      [first, await readFile(first)],
      [second, await readFile(second)],
    ]);
    const whole = files.get(second) ?? Buffer.alloc(0);
    const lastAt = 40 + (whole.length - 40) / 2;
    for (let size = lastAt; size < whole.length - 3; size += 1) {
      await restore(files);
      await writeFile(second, Buffer.concat([whole.subarray(0, size), Buffer.alloc(whole.length - size)]));
      expect([size, await found()]).toEqual([size, { texts: TEXTS.slice(0, 3), reports: 0, lines: [CUT] }]);
    }
    await restore(files);
    await appendFile(second, Buffer.alloc(5_000));
    expect(await found()).toEqual({ texts: TEXTS, reports: 0, lines: [CUT] });
  }, 120_000);
});

describe('a flipped bit', () => {
  it('costs at most the one record it is in, wherever it is, and is reported', async () => {
    await write([
      ['a', 'b'],
      ['c', 'd'],
    ]);
    const marked = await open();
    await marked.spool.release((await readAll(marked.spool))[0]?.at ?? 0); // there is a mark, behind the first start
    await marked.spool.close();
    const names = (await segments()).map((path) => basename(path)).concat('released.mark');
    const files = new Map(
      await Promise.all(names.map(async (name) => [name, await readFile(join(directory, name))] as const)),
    );
    const lost = new Set<string>();
    const flips = Array.from(files, ([name, { length }]) =>
      Array.from({ length: length * 8 }, (_, bit) => ({ name, bit })),
    ).flat();
    const lane = async (number: number): Promise<void> => {
      const parent = join(directory, `lane-${number}`); // the disk is waited for in several at a time
      for (let flip = flips.pop(); flip !== undefined; flip = flips.pop()) {
        const { name, bit } = flip;
        await rm(parent, { recursive: true, force: true });
        await mkdir(parent);
        for (const [file, bytes] of files)
          await writeFile(join(parent, file), file === name ? withFlipped(bytes, bit) : bytes);
        const { spool, reports, lines } = await openSpool(parent);
        const texts = textsOf(await readAll(spool));
        await spool.close();
        const missing = TEXTS.filter((text) => !texts.includes(text));
        const isMark = name === 'released.mark';
        const isReleased = name === names[0] && bit < 40 * 8; // the first start: nobody reads it again
        expect({ name, bit, texts, reports: reports.length, lines: lines.length }).toEqual({
          name,
          bit,
          texts: TEXTS.filter((text) => text !== missing[0]), // each once, in order, none that was not written
          reports: isMark || isReleased ? 0 : 1,
          lines: isReleased ? 0 : 1,
        });
        for (const text of missing) lost.add(text);
      }
    };
    await Promise.all([0, 1, 2, 3, 4, 5].map(lane));
    expect([...lost].sort()).toEqual(TEXTS); // it did flip bits of records
  }, 300_000);

  it('is reported once, kept in quarantine, and passed by readers and at a restart', async () => {
    await write([['a', 'b', 'c']]);
    const [path = ''] = await segments();
    const bytes = await readFile(path);
    const at = bytes.indexOf('bb');
    bytes[at] = 0x42;
    await writeFile(path, bytes);
    const { spool, reports } = await open();
    const records = await readAll(spool);
    expect(textsOf(records)).toEqual(['a=a', 'c=c']);
    expect(records[0]?.next).toBe(records[1]?.at);
    const quarantineFile = expect.stringContaining(join(directory, 'quarantine'));
    const [report] = reports;
    expect(reports).toEqual([
      { file: path, from: expect.any(Number), to: records[1]?.at, bytes: 55, quarantineFile },
    ]);
    expect(await readFile(report?.quarantineFile ?? '')).toEqual(bytes.subarray(report?.from, report?.to));
    await spool.close();
    expect(await found()).toEqual({ texts: ['a=a', 'c=c'], reports: 0, lines: [] });
  });

  it('is found when it comes while the spool is open', async () => {
    const { spool, reports } = await open();
    await spool.append(['a', 'b'].map((key) => spooled(key)));
    await spool.append(['c', 'd'].map((key) => spooled(key)));
    const [first = ''] = await segments();
    const bytes = await readFile(first);
    bytes[bytes.indexOf('bb')] = 0x42;
    await writeFile(first, bytes);
    expect(textsOf(await readAll(spool))).toEqual(['a=a', 'c=c', 'd=d']);
    expect(textsOf(await readAll(spool))).toEqual(['a=a', 'c=c', 'd=d']);
    expect(reports).toHaveLength(1);
    await spool.release(spool.end);
    expect(await segments()).toEqual([]);
  });
});

describe('bytes that are no frames', () => {
  it('cost what they stand on, over any length, and the rest is found behind them', async () => {
    const { spool: writer } = await openSpool(directory);
    const many = Array.from({ length: 60_000 }, (_, index) => spooled(`k${index}`));
    await writer.append(many);
    await writer.close();
    const [path = ''] = await segments();
    const bytes = await readFile(path);
    let seed = 7; // of a generator: the bytes are the same each time
    for (let at = 100_000; at < 3_000_000; at += 1) bytes[at] = (seed = (seed * 48_271) % 0x7fffffff) & 0xff;
    await writeFile(path, bytes);
    const { spool, reports } = await open();
    const texts = textsOf(await readAll(spool));
    const damaged = reports.reduce((sum, report) => sum + report.bytes, 0);
    expect(reports.length).toBeLessThanOrEqual(2); // the record they begin in has its length
    expect(damaged).toBeGreaterThanOrEqual(2_900_000);
    expect(damaged).toBeLessThan(2_900_150);
    const written = many.map(({ key }) => `${key}=${key}`);
    const kept = texts.findIndex((text, index) => text !== written[index]);
    expect(texts).toEqual(written.slice(0, kept).concat(written.slice(written.length - texts.length + kept)));
    expect(texts.length).toBeGreaterThan(10_000);
  }, 60_000);

  it('that a device has sent do not become a record when what is before them is damaged', async () => {
    const encoder = new FrameEncoder();
    const forged = spooled('forged');
    encoder.begin(frameBound(forged), { position: 0, salt: 0 });
    encoder.addRecord(forged);
    const value = Buffer.concat(Array.from({ length: 50 }, () => Buffer.from(encoder.finished())));
    const { spool: writer } = await openSpool(directory);
    await writer.append([spooled('a'), { ...spooled('b'), value }, spooled('c')]);
    await writer.close();
    const [path = ''] = await segments();
    const bytes = await readFile(path);
    const secondAt = bytes.indexOf('FGSP', bytes.indexOf('FGSP', 40) + 1);
    bytes[secondAt + 4] = (bytes[secondAt + 4] ?? 0) ^ 1; // its length
    await writeFile(path, bytes);
    expect(await found()).toEqual({
      texts: ['a=a', 'c=c'],
      reports: 1,
      lines: ['damaged records in the spool'],
    });
  });

  it('fill a whole file: the others are read, and its copy is bounded', async () => {
    await write([['a', 'b'], ['c', 'd'], ['e']]);
    const [, second = ''] = await segments();
    await writeFile(second, Buffer.alloc(1_000, 'garbage'));
    const { texts, reports } = await found();
    expect([texts, reports]).toEqual([['a=a', 'b=b', 'e=e'], 1]);
  });

  it('push the oldest copies out when there are more than 64 MiB of them', async () => {
    await write([['a']]);
    const [path = ''] = await segments();
    const good = await readFile(path);
    const quarantine = join(directory, 'quarantine');
    for (let n = 0; n < 4; n += 1) {
      await writeFile(path, Buffer.concat([good, Buffer.alloc(20 * 1024 * 1024 + n, 'x')]));
      const { spool, reports } = await open();
      expect(reports).toHaveLength(1);
      await spool.close();
      const copy = (await readdir(quarantine)).find((name) => !name.startsWith('kept')) ?? '';
      await writeFile(join(quarantine, `kept-${n}`), await readFile(join(quarantine, copy)));
      await rm(join(quarantine, copy));
    }
    expect((await readdir(quarantine)).sort()).toEqual(['kept-1', 'kept-2', 'kept-3']);
  }, 60_000);
});
