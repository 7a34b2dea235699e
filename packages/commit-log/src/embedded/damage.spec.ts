import { mkdir, mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger, systemClock } from '@fieldgate/service';
import type { CommitLog } from '../commit-log.js';
import { HANDLED } from '../log-reader.js';
import { appended } from '../log-writer.js';
import { allOf } from '../testing/contract/reading.js';
import { Inbox } from '../testing/inbox.js';
import { createEmbeddedLog } from './embedded-log.js';

const TOPIC = 'fieldgate.events.v1';
const MARK = 'the bytes that will be damaged';
let parent: string;
let directory: string;
let file: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'fieldgate-damage-'));
  directory = join(parent, 'log');
  file = join(directory, 'data.mdb');
});
afterEach(() => rm(parent, { recursive: true }));

function newLog(): CommitLog {
  return createEmbeddedLog({ directory, clock: systemClock, logger: createLogger({ level: 'silent' }) });
}

async function writeSome(): Promise<void> {
  const log = newLog();
  await log.start();
  for (let n = 0; n < 20; n += 1)
    await appended(log.writer, {
      topic: TOPIC,
      key: 'pump-7',
      value: Buffer.from(`${n} ${MARK}`.padEnd(9_000)),
    });
  await log.stop();
}

async function expectRefused(code: string, text = directory): Promise<void> {
  const log = newLog();
  try {
    await expect(log.start()).rejects.toMatchObject({ code, message: expect.stringContaining(text) });
  } finally {
    await log.stop();
  }
}

describe('a data directory that cannot be used', () => {
  it('is a file', async () => {
    await writeFile(directory, 'not a directory');
    await expectRefused('data-dir-unusable');
  });

  it('is in use by another log, which goes on undisturbed', async () => {
    const first = newLog();
    await first.start();
    await expectRefused('data-dir-unusable');
    expect(await appended(first.writer, { topic: TOPIC, key: 'pump-7', value: null })).toMatchObject({
      offset: 0,
    });
    await first.stop();
  });
});

describe('a data file that was lost', () => {
  it.each([
    ['is empty', () => truncate(file)],
    ['is missing', () => rm(file)],
  ])('%s: the log does not start as if it were new', async (_, lose) => {
    await writeSome();
    await lose();
    const todo = `restore the backup, or remove the directory ${directory} to start empty on purpose`;
    await expectRefused('data-damaged', todo);
    await expectRefused('data-damaged', todo);
    await rm(directory, { recursive: true });
    await writeSome();
  });

  it('of a log that nothing has been appended to', async () => {
    const log = newLog();
    await log.start();
    await log.stop();
    await rm(file);
    await expectRefused('data-damaged');
  });

  it('of a log that an earlier version has written', async () => {
    await writeSome();
    await rm(join(directory, 'first-commit'));
    await writeSome();
    await rm(file);
    await expectRefused('data-damaged');
  });

  it.each([
    ['before there was one', () => mkdir(directory)],
    ['when it was still empty', () => mkdir(directory).then(() => writeFile(file, ''))],
    ['before it was noted', () => writeSome().then(() => rm(join(directory, 'first-commit')))],
  ])('has not been lost when the first start was killed %s', async (_, kill) => {
    await kill();
    await writeSome();
  });
});

describe('a data file that is damaged', () => {
  it('is something else', async () => {
    await mkdir(directory);
    await writeFile(file, 'garbage '.repeat(10_000));
    await expectRefused('data-damaged');
  });

  it('is a few bytes', async () => {
    await mkdir(directory);
    await writeFile(file, 'x');
    await expectRefused('data-damaged');
  });

  it('is a directory', async () => {
    await mkdir(file, { recursive: true });
    await expectRefused('data-damaged');
  });

  it('was cut short', async () => {
    await writeSome();
    await truncate(file, 64 * 1024);
    await expectRefused('data-damaged');
  });

  it('has other bytes in a record: whoever reads it is told, and nobody is given them', async () => {
    await writeSome();
    const bytes = await readFile(file);
    const data = await open(file, 'r+');
    for (let at = bytes.indexOf(MARK); at >= 0; at = bytes.indexOf(MARK, at + 1)) await data.write('THE', at);
    await data.close();
    const log = newLog();
    await log.start();
    const damaged = { code: 'data-damaged', message: expect.stringContaining(directory) };
    await expect(allOf(log.reader.read(TOPIC, { partition: 0, from: 0, to: 20 }))).rejects.toMatchObject(
      damaged,
    );
    const failures = new Inbox<unknown>();
    await log.reader.consume('fieldgate.damage', [TOPIC], async () => HANDLED, failures.push);
    expect(await failures.count(1)).toMatchObject([damaged]);
    await log.stop();
  });
});
