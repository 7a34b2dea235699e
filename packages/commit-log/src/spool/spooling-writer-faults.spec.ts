import { open as openReal, readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SpoolingBench, until, untilState } from '../testing/spooling-bench.js';
import type { OpenFile } from './segment-appender.js';

const LONG_MS = 60_000;
/** Ten seconds are over after one. */
const HURRY = { monotonic: { now: (): number => performance.now() * 10 } };

describe('the spooling writer, when its limits or its disk refuse', () => {
  let bench: SpoolingBench;

  beforeEach(async () => {
    bench = await SpoolingBench.create();
  });
  afterEach(() => bench.end());

  it('says that it is full, gives up nothing that it has acknowledged, and takes more when it has room', async () => {
    const writer = await bench.start({ maxBytes: 3_000 }, { segmentBytes: 1_000 });
    bench.log.goAway(0);
    const large = Array.from({ length: 5 }, (_, n) => `${n}`.padEnd(900, '.'));
    bench.append(writer, 'a', ...large);
    bench.log.timeIsOver(0); // one group: taken whole, the limit is met after it
    await bench.settled.count(5);
    bench.append(writer, 'a', 'one too many');
    await until(() => writer.status().full !== undefined);
    expect(writer.status().full).toContain('its limit is 3000');
    expect(bench.settled.all).toHaveLength(5);
    bench.log.comeBack(0);
    await bench.settled.count(6);
    expect(bench.settled.all[5]).toBe('a:one too many spooled');
    await untilState(writer, 'direct');
    expect(writer.status().full).toBeUndefined();
    expect(bench.log.records.all).toHaveLength(6);
  });

  it('turns devices away while the disk refuses, and looks by itself whether that is over', async () => {
    let isFull = true;
    const openFile: OpenFile = async (path, flags, mode) => {
      if (isFull) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      return openReal(path, flags, mode);
    };
    const full = await bench.start({}, { openFile });
    bench.log.goAway(0);
    bench.append(full, 'a', '1');
    bench.log.timeIsOver(0);
    await until(() => full.status().full !== undefined);
    expect(full.status().full).toContain('no space left');
    isFull = false;
    await bench.settled.count(1);
    await until(() => full.status().full === undefined); // nobody else has written
    expect(bench.settled.all).toEqual(['a:1 spooled']);
    expect(full.status().state).toBe('spooling');
  });

  it('goes on and comes to its end behind a record that the disk has damaged meanwhile', async () => {
    const flipping: OpenFile = async (path, flags, mode) => {
      const file = await openReal(path, flags, mode);
      if (!String(path).endsWith('.spool')) return file;
      const write = file.write.bind(file) as (bytes: Buffer, ...rest: unknown[]) => Promise<unknown>; // the form that is used
      Object.assign(file, {
        write: (bytes: Buffer, ...rest: unknown[]) => write(withDamage(bytes), ...rest),
      });
      return file;
    };
    const writer = await bench.start({}, { openFile: flipping });
    bench.log.goAway(0);
    bench.append(writer, 'a', '1', 'damage me', '3');
    bench.log.timeIsOver(0);
    await bench.settled.count(3);
    bench.log.comeBack(0);
    await untilState(writer, 'direct');
    bench.append(writer, 'a', '4');
    await bench.settled.count(4);
    expect(bench.settled.all[3]).toBe('a:4 in the log');
    expect(bench.log.records.all).toEqual(['a:1', 'a:3', 'a:4']);
  });

  it('says nothing that is not so while the log is away and the disk refuses, and finds both well again', async () => {
    const disk = new ReadOnlyDisk();
    const writer = await bench.start({}, disk, HURRY);
    bench.log.goAway(0);
    bench.append(writer, 'a', '1');
    bench.log.timeIsOver(0);
    await bench.settled.count(1);
    expect(bench.settled.all).toEqual(['a:1 log-unavailable']);
    const before = disk.probes;
    await until(() => disk.probes > before + 1);
    expect(writer.status()).toMatchObject({ state: 'spooling', full: expect.stringContaining('read-only') });
    const lines = ['spooling: the log does not answer', 'the spool takes no more: devices are turned away'];
    expect(bench.lines.all.map(({ msg }) => msg)).toEqual(lines);
    bench.log.comeBack(0);
    await untilState(writer, 'direct'); // nobody has written, and the disk still refuses
    disk.isReadOnly = false;
    await bench.lines.count(4);
    expect(bench.lines.all.map(({ msg }) => msg)).toEqual(
      lines.concat('direct: the spool is empty', 'the spool takes records again'),
    );
  });

  it('tries a log that was away with what comes, when the disk has taken nothing of it', async () => {
    const writer = await bench.start({}, new ReadOnlyDisk(), HURRY);
    bench.log.goAway(0, 1);
    bench.append(writer, 'a', '1');
    bench.log.timeIsOver(0);
    await bench.settled.count(1);
    bench.log.comeBack(0); // the other is still away
    bench.append(writer, 'a', '2');
    await bench.settled.count(2);
    expect(bench.settled.all[1]).toBe('a:2 in the log');
    expect(writer.status()).toMatchObject({ state: 'direct', full: undefined });
  });

  it(
    'lets new records pass what is in the log, also when its mark cannot be written; and writes it later',
    async () => {
      const before = await bench.start();
      bench.log.goAway(0);
      bench.append(before, 'a', '1');
      bench.log.timeIsOver(0);
      await bench.settled.count(1);
      await bench.stop();

      let tries = 0;
      let isFailing = true;
      const openFile: OpenFile = async (path, flags, mode) => {
        if (isFailing && String(path).endsWith('.mark.new')) {
          tries += 1;
          throw Object.assign(new Error('i/o error'), { code: 'EIO' });
        }
        return openReal(path, flags, mode);
      };
      const writer = await bench.start({}, { openFile });
      bench.log.comeBack(0);
      await untilState(writer, 'direct');
      bench.append(writer, 'a', '2');
      await bench.settled.count(2);
      expect(bench.settled.all[1]).toBe('a:2 in the log');
      const soFar = tries;
      await until(() => tries > soFar); // nothing else has come
      isFailing = false;
      await until(async () => (await readdir(bench.directory)).includes('released.mark'));
      expect(linesOf('the spool cannot be drained')).toHaveLength(1);
    },
    LONG_MS,
  );

  it('tells the others what became of their records when one fails on it', async () => {
    const writer = await bench.start();
    bench.log.goAway(0);
    bench.append(writer, 'a', '1');
    writer.append({ topic: 'fieldgate.telemetry.v1', key: 'a', value: Buffer.from('2') }, () => {
      throw new Error('a mistake');
    });
    bench.append(writer, 'a', '3');
    bench.log.timeIsOver(0);
    await bench.settled.count(2);
    bench.append(writer, 'a', '4');
    await bench.settled.count(3);
    expect(bench.settled.all).toEqual(['a:1 spooled', 'a:3 spooled', 'a:4 spooled']);
    expect(linesOf('whoever appended a record failed on its outcome')).toHaveLength(1);
  });

  function linesOf(text: string): readonly unknown[] {
    return bench.lines.all.filter(({ msg }) => msg === text);
  }
});

/** One bit of one value is another. */
function withDamage(bytes: Buffer): Buffer {
  const at = bytes.indexOf('damage me');
  const damaged = Buffer.from(bytes);
  if (at >= 0) damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
  return damaged;
}

class ReadOnlyDisk {
  isReadOnly = true;
  probes = 0;

  readonly openFile: OpenFile = async (path, flags, mode) => {
    if (String(path).endsWith('.probe')) this.probes += 1;
    if (this.isReadOnly) throw Object.assign(new Error('read-only file system'), { code: 'EROFS' });
    return openReal(path, flags, mode);
  };
}
