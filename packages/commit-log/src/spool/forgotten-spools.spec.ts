import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger, readEnvironment, systemClock } from '@fieldgate/service';
import { z } from 'zod';
import { commitLogEnvironment, openCommitLog } from '../commit-log.config.js';
import { openSpool, spooled } from '../testing/open-spool.js';

const schema = z.object(commitLogEnvironment);
const KAFKA = { FIELDGATE_KAFKA_BROKERS: '127.0.0.1:1' };
const OFF = { ...KAFKA, FIELDGATE_SPOOL: 'false' };
const FORGOTTEN = 'records lie in a spool that nobody drains';

describe('records that an earlier run has left in a spool', () => {
  let dataDir: string;

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'fieldgate-forgotten-'));
  });
  afterEach(() => rm(dataDir, { recursive: true }));

  const spoolOf = (gatewayId: string): string => join(dataDir, 'spool', gatewayId);

  async function givenRecords(gatewayId: string): Promise<void> {
    const { spool } = await openSpool(spoolOf(gatewayId));
    await spool.append([spooled('pump-7')]);
    await spool.close();
  }

  /** What the start of `gw-1` says. */
  async function said(
    settings: Readonly<Record<string, string>>,
    parts: { readonly gatewayId?: string } = { gatewayId: 'gw-1' },
  ): Promise<{ msg: string; directory: string; files?: number; bytes?: number }[]> {
    const lines: { msg: string; directory: string }[] = [];
    const logger = createLogger({ level: 'warn' }, { write: (line) => void lines.push(JSON.parse(line)) });
    const config = readEnvironment(schema, { FIELDGATE_DATA_DIR: dataDir, ...settings });
    const log = await openCommitLog(config, { clock: systemClock, logger, ...parts });
    const said = [...lines];
    await log.stop();
    return said;
  }

  it('are named at the start when the spool is switched off', async () => {
    await givenRecords('gw-1');
    const [line, ...others] = await said(OFF);
    expect(line).toMatchObject({ msg: FORGOTTEN, directory: spoolOf('gw-1'), files: 1 });
    expect(line?.bytes).toBeGreaterThan(0);
    expect(others).toEqual([]);
  });

  it('are named when the log is the embedded one now', async () => {
    await givenRecords('gw-1');
    expect((await said({})).map(({ msg }) => msg)).toEqual([FORGOTTEN]);
  });

  it('are drained, and not named, when the spool is on', async () => {
    await givenRecords('gw-1');
    expect(await said(KAFKA)).toEqual([]);
  });

  it('are named when the gateway has another id now', async () => {
    await givenRecords('gw-0');
    await writeFile(join(spoolOf('gw-0'), 'in-use.lock'), ''); // it was killed
    await utimes(join(spoolOf('gw-0'), 'in-use.lock'), new Date(0), new Date(0));
    expect(await said(KAFKA)).toMatchObject([{ msg: FORGOTTEN, directory: spoolOf('gw-0') }]);
  });

  it('are left to a gateway that runs beside this one', async () => {
    await givenRecords('gw-0');
    const { spool } = await openSpool(spoolOf('gw-0'));
    expect(await said(KAFKA)).toEqual([]);
    await spool.close();
  });

  it('are of no interest to a process that takes no devices in', async () => {
    await givenRecords('gw-0');
    expect(await said(OFF, {})).toEqual([]);
  });

  it('a spool that was drained holds none', async () => {
    const { spool } = await openSpool(spoolOf('gw-1'));
    await spool.append([spooled('pump-7')]);
    await spool.release(spool.end);
    await spool.close();
    expect(await said(OFF)).toEqual([]);
  });

  it('a file among the spools is none', async () => {
    await mkdir(join(dataDir, 'spool'));
    await writeFile(join(dataDir, 'spool', 'notes.spool'), 'not a folder');
    expect(await said(OFF)).toEqual([]);
  });

  it('spools that cannot be looked at are said to be so, and end nothing', async () => {
    await symlink('spool', join(dataDir, 'spool')); // at itself
    expect((await said(OFF)).map(({ msg }) => msg)).toEqual([
      'spools that nobody drains could not be looked for',
    ]);
  });
});
