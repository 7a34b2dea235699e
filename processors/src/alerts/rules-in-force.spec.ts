import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryLog, Inbox, type MemoryLog } from '@fieldgate/commit-log/testing';
import { createLogger } from '@fieldgate/service';
import { MAX_RULES_BYTES, type Rules } from '@fieldgate/alert-rules';
import { register } from 'prom-client';
import { jsonOf, recordsOf } from '../testing/written.js';
import { RulesFile } from './rules-file.js';
import { RulesInForce } from './rules-in-force.js';

const GOOD = 'version: 1\nrules:\n  - { name: high, metric: n, threshold: { above: 80 } }\n';
const BETTER = GOOD.replace('80', '85');
const BAD = 'version: 1\nrules:\n  - { name: high, metric: n, threshold: { above: hot } }\n';

let log: MemoryLog;
let folder: string;
let path: string;
let lines: { readonly level: number; readonly msg: string; readonly detail?: string }[];
let inForce: Inbox<Rules>;

beforeEach(async () => {
  log = createMemoryLog();
  await log.start();
  folder = await mkdtemp(join(tmpdir(), 'fieldgate-rules-'));
  path = join(folder, 'rules.yaml');
  lines = [];
  inForce = new Inbox();
});
afterEach(() => rm(folder, { recursive: true }));

function rules(file: string | undefined = path): RulesInForce {
  const write = (line: string): void => void lines.push(JSON.parse(line) as (typeof lines)[number]); // pino writes objects
  return new RulesInForce({
    log,
    clock: { now: () => 5_000 },
    logger: createLogger({ level: 'info' }, { write }),
    file: file === undefined ? undefined : new RulesFile(file),
    changed: (loaded) => inForce.push(loaded),
  });
}

async function rows(): Promise<unknown[]> {
  return (await recordsOf(log, 'fieldgate.alert-states.v1')).map((record) => jsonOf(record)['data']);
}

async function invalid(): Promise<number | undefined> {
  const metric = await register.getSingleMetric('fieldgate_alert_rules_invalid')?.get();
  return metric?.values[0]?.value;
}

function texts(): string[] {
  return inForce.all.map(({ text }) => text);
}

it('a file is in force from the start, and everyone can read so', async () => {
  await writeFile(path, GOOD);
  await rules().start();
  expect(texts()).toEqual([GOOD]);
  expect(await rows()).toEqual([{ kind: 'rules', text: GOOD, loadedAt: 5_000 }]);
  await rules().start();
  expect(await rows()).toHaveLength(1); // it says so already
});

it('without a file there are no rules, and no row; those of an earlier file are removed', async () => {
  const none = new RulesInForce({
    log,
    clock: { now: () => 5_000 },
    logger: createLogger({ level: 'silent' }),
    file: undefined,
    changed: (loaded) => inForce.push(loaded),
  });
  await none.start();
  expect({ texts: texts(), rows: await rows() }).toEqual({ texts: [''], rows: [] });
  await writeFile(path, GOOD);
  await rules().start();
  await none.look();
  expect(await rows()).toHaveLength(1); // nothing has changed for this one
});

it('a bad file keeps the last good one, and says why in a line, a metric and the row', async () => {
  await writeFile(path, GOOD);
  const loaded = rules();
  await loaded.start();
  await writeFile(path, BAD);
  await loaded.look();
  await loaded.look();
  expect(texts()).toEqual([GOOD]);
  const problem = lines.find(({ level }) => level === 40)?.detail;
  expect(problem).toContain('above');
  expect(lines.filter(({ level }) => level === 40)).toHaveLength(1);
  expect((await rows()).at(-1)).toEqual({ kind: 'rules', text: GOOD, loadedAt: 5_000, problem });
  expect(await invalid()).toBe(1);
  await writeFile(path, BETTER);
  await loaded.look();
  expect(texts()).toEqual([GOOD, BETTER]);
  expect((await rows()).at(-1)).toEqual({ kind: 'rules', text: BETTER, loadedAt: 5_000 });
  expect(await invalid()).toBe(0);
});

it.each([
  ['bad', BAD],
  ['empty', ''],
  ['missing', undefined],
])('a start with a file that is %s goes on with the rules that were in force', async (_, text) => {
  await writeFile(path, GOOD);
  await rules().start();
  if (text === undefined) await rm(path);
  else await writeFile(path, text);
  await rules().start();
  expect(texts()).toEqual([GOOD, GOOD]);
  expect(lines.filter(({ level }) => level === 50)).toHaveLength(1);
  expect((await rows()).at(-1)).toMatchObject({ text: GOOD, problem: expect.any(String) });
});

it('a file may have as many bytes as the rules say, also where each is escaped in a row; not one more', async () => {
  const largest = `${GOOD}#`.padEnd(MAX_RULES_BYTES, '"');
  await writeFile(path, largest);
  const loaded = rules();
  await loaded.start();
  expect((await rows()).at(-1)).toMatchObject({ text: largest });
  await writeFile(path, `${largest}"`);
  await loaded.look();
  expect((await rows()).at(-1)).toMatchObject({
    text: largest,
    problem: 'The file is larger than 256 KiB; split the fleet or the rules.',
  });
});

it('a start with a bad file and nothing before it has no rules', async () => {
  await writeFile(path, BAD);
  await rules().start();
  expect(texts()).toEqual(['']);
  expect(await rows()).toMatchObject([{ text: '', problem: expect.any(String) }]);
});

it('a file that an editor puts in the place of the old one is noticed', async () => {
  await writeFile(path, GOOD);
  const file = new RulesFile(path);
  const looks = new Inbox<number>();
  file.watch(() => looks.push(1));
  await writeFile(join(folder, 'rules.yaml.new'), BETTER);
  await rename(join(folder, 'rules.yaml.new'), path);
  await looks.count(1);
  expect(await file.read()).toEqual({ text: BETTER, problem: undefined });
  file.stop();
});

it('the row is written when the log has come back', async () => {
  await writeFile(path, GOOD);
  const loaded = rules();
  await loaded.start();
  await writeFile(path, BETTER);
  log.goAway();
  await expect(loaded.look()).rejects.toThrow('the log is away');
  log.comeBack();
  await loaded.look();
  expect(texts()).toEqual([GOOD, BETTER]);
  expect((await rows()).at(-1)).toMatchObject({ text: BETTER });
});
