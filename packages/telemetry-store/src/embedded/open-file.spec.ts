import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { alert, event, raised, T0, telemetry } from '../testing/records.js';
import { OpenFile } from './open-file.js';
import { expire } from './retention.js';

const DAY_MS = 86_400_000;
const unavailable = expect.objectContaining({ code: 'store-unavailable', retriable: true });

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fieldgate-file-'));
});

afterEach(() => rm(directory, { recursive: true }));

function open(): Promise<OpenFile> {
  return OpenFile.open({ directory, memoryLimit: '64MB' });
}

async function countOf(file: OpenFile, table: string): Promise<number> {
  const [row] = await file.reads.rows(`SELECT count(*)::DOUBLE FROM ${table}`);
  return Number(row?.[0]);
}

describe('the file of the embedded store', () => {
  it('says what to do about a directory that is a file, and about a file that is open in this process', async () => {
    const path = join(directory, 'taken');
    await writeFile(path, '');
    const unusable = expect.objectContaining({ code: 'data-dir-unusable' });
    await expect(OpenFile.open({ directory: path, memoryLimit: '64MB' })).rejects.toEqual(unusable);
    const file = await open();
    await expect(open()).rejects.toEqual(
      expect.objectContaining({
        code: 'data-dir-unusable',
        message: expect.stringContaining('this process'),
      }),
    );
    await file.close();
    await (await open()).close();
  });

  it('names a damaged file: garbage, cut short, and with overwritten blocks', async () => {
    const path = join(directory, 'telemetry.duckdb');
    const damaged = expect.objectContaining({ code: 'data-damaged', message: expect.stringContaining(path) });
    await writeFile(path, 'this is not a database'.repeat(1_000));
    await expect(open()).rejects.toEqual(damaged);
    await rm(path);
    const file = await open();
    await file.write(
      Array.from({ length: 5_000 }, (_, index) => telemetry('pump', { t: index }, { timeMs: T0 + index })),
    );
    await file.close();
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, 10_000));
    await expect(open()).rejects.toEqual(damaged);
    await writeFile(path, whole.subarray(0, -1_000)); // its headers are in order
    await expect(open()).rejects.toEqual(damaged);
    await writeFile(path, Buffer.concat([whole.subarray(0, 12_288), Buffer.alloc(whole.length - 12_288, 7)]));
    await expect(open()).rejects.toEqual(damaged);
  });

  it('asked about a device, says that it cannot tell what cannot be read', async () => {
    const file = await open();
    await file.between(
      async ({ connection }) => void (await connection.run('ALTER TABLE series RENAME TO away')),
    );
    await expect(file.seriesOf('pump')).rejects.toEqual(unavailable);
    await file.between(
      async ({ connection }) => void (await connection.run('ALTER TABLE away RENAME TO series')),
    );
    expect((await file.seriesOf('pump')).numbers.size).toBe(0);
    await file.close();
  });

  it('stores nothing of a batch that failed, says so, and goes on with the next write', async () => {
    const file = await open();
    await file.write([telemetry('pump', { t: 1 })]);
    const run = (sql: string): Promise<void> =>
      file.between(async ({ connection }) => void (await connection.run(sql)));
    await run('ALTER TABLE events RENAME TO away');
    const failing = [telemetry('pump', { t: 2, fresh: 1 }, { timeMs: T0 + 1 }), event('pump')];
    await expect(file.write(failing)).rejects.toEqual(unavailable);
    expect(file.problem).toMatch(/cannot write/);
    expect([await countOf(file, 'numbers'), await countOf(file, 'series')]).toEqual([1, 1]);
    await run('ALTER TABLE away RENAME TO events');
    await file.write(failing);
    expect(file.problem).toBeUndefined();
    expect([
      await countOf(file, 'numbers'),
      await countOf(file, 'events'),
      await countOf(file, 'series'),
    ]).toEqual([3, 1, 2]);
    await file.close();
  });

  it('opens the file again when a new connection does not help', async () => {
    const file = await open();
    await file.between(
      async ({ connection }) => void (await connection.run('DROP TABLE events; DROP TABLE texts')),
    );
    await expect(file.write([event('pump')])).rejects.toEqual(unavailable);
    await file.write([event('pump'), telemetry('pump', { text: 'x' })]);
    expect([await countOf(file, 'events'), await countOf(file, 'texts')]).toEqual([1, 1]);
    await file.close();
  });

  it('finds what is sent again after a restart where there are numbers only', async () => {
    const sent = telemetry('pump', { t: 1 }, { id: 'own' });
    for (let round = 0; round < 3; round++) {
      const file = await open();
      await file.write([sent]);
      expect(await countOf(file, 'numbers')).toBe(1);
      await file.close();
    }
  });

  it('deletes what is older than the retention, and only that', async () => {
    const file = await open();
    await file.write([
      telemetry('pump', { t: 1, on: true, s: 'x' }, { timeMs: T0 - 11 * DAY_MS }),
      telemetry('pump', { t: 2, on: true, s: 'x' }, { timeMs: T0 - 9 * DAY_MS }),
      event('pump', { timeMs: T0 - 11 * DAY_MS }),
      event('pump', { timeMs: T0 - 4 * DAY_MS }),
      event('pump', { timeMs: T0 - 6 * DAY_MS }),
      raised(alert('pump', { raisedAt: T0 - 6 * DAY_MS })),
      raised(alert('pump', { raisedAt: T0 - 4 * DAY_MS })),
    ]);
    await file.between(({ connection }) => expire(connection, T0, { readings: 10, documents: 5 }));
    for (const table of ['numbers', 'flags', 'texts', 'events', 'alerts'])
      expect(await countOf(file, table)).toBe(1);
    await file.close();
  });

  it('opens a file from before there were alerts, and keeps what is in it', async () => {
    const old = await open();
    await old.write([event('pump')]);
    await old.between(async ({ connection }) => void (await connection.run('DROP TABLE alerts')));
    await old.close();
    const file = await open();
    await file.write([raised(alert('pump'))]);
    expect([await countOf(file, 'events'), await countOf(file, 'alerts')]).toEqual([1, 1]);
    await file.close();
  });

  it('keeps 1,024 series of a device and refuses the records that would make more', async () => {
    const file = await open();
    const names = (from: number) =>
      Object.fromEntries(Array.from({ length: 256 }, (_, index) => [`m${from + index}`, index]));
    for (let from = 0; from < 1_024; from += 256) await file.write([telemetry('inventive', names(from))]);
    const { refused } = await file.write([
      telemetry('inventive', { m0: 1 }),
      telemetry('inventive', { m0: 1, new: 1 }),
      telemetry('other', { new: 1 }),
    ]);
    expect(refused.map(({ index }) => index)).toEqual([1]);
    await file.close();
  });

  it('keeps the newest readings right for more devices than it holds in memory', async () => {
    const file = await OpenFile.open({ directory, memoryLimit: '64MB', heldSeries: 10 });
    for (let round = 0; round < 3; round++)
      await file.write(
        Array.from({ length: 40 }, (_, index) =>
          telemetry(`d${index}`, { a: round, b: true }, { timeMs: T0 + round }),
        ),
      );
    expect(await countOf(file, 'series')).toBe(80);
    await file.close();
  });

  it('works where the directory holds what others put there', async () => {
    await mkdir(join(directory, 'spill'));
    await (await open()).close();
  });
});
