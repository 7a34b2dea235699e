import { commitLogEnvironment, openCommitLog, appended, type CommitLog } from '@fieldgate/commit-log';
import { Inbox } from '@fieldgate/commit-log/testing';
import type { ConsumerGroup } from '@fieldgate/contracts';
import { createLogger, readEnvironment, systemClock } from '@fieldgate/service';
import { afterEach, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { jsonOf, recordsOf } from '../testing/written.js';
import { DeliverBatch } from './deliver-batch.js';

const CHILD = join(import.meta.dirname, '../../dist/delivery/testing/refuse-when-told.js');
const TOPIC = 'fieldgate.telemetry.v1';
const brokers = process.env['FIELDGATE_TEST_KAFKA'] ?? '';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

it('a member that was frozen past its session and wakes up writes no dead letter twice and moves no offset', async () => {
  const group: ConsumerGroup = `fieldgate.test-${randomUUID()}`;
  const key = `pump-${randomUUID()}`;
  const log = await openLog();
  const append = (text: string) => appended(log.writer, { topic: TOPIC, key, value: Buffer.from(text) });
  const { partition, offset } = await append('first');

  const frozen = startMember(group, key);
  await frozen.said.until((all) => all.some((line) => 'holds' in line));
  frozen.process.kill('SIGSTOP');

  const other = new DeliverBatch(group, log, systemClock, createLogger({ level: 'silent' }));
  const refused = new Inbox<number>();
  await log.reader.consume(
    group,
    [TOPIC],
    (batch) =>
      other.deliver(batch, async ({ records }) => {
        const own = records.flatMap((record, index) => (record.key === key ? [{ record, index }] : []));
        refused.push(...own.map(({ record }) => record.offset));
        return own.map(({ index }) => ({ index, code: 'store-refused' as const, detail: 'by the other' }));
      }),
    refused.push as (error: unknown) => never, // a failure shows as an offset that is none
  );
  const second = await append('second');
  await refused.until((all) => all.includes(offset) && all.includes(second.offset));
  await until(async () => (await log.reader.lag(group, TOPIC)) === 0);

  const before = frozen.said.all.length;
  frozen.process.stdin.write('go\n'); // its handler returns in the first turn after it wakes up
  frozen.process.kill('SIGCONT');
  await frozen.said.until((all) => all.slice(before).some((line) => 'began' in line)); // it has joined again

  expect(await log.reader.lag(group, TOPIC)).toBe(0); // its commit of the first record has moved nothing back
  const written = await recordsOf(log, 'fieldgate.dead-letters.v1');
  const letters = written.filter((record) => record.key === key).map(jsonOf); // others write there too
  const named = (at: number) => letters.filter(({ id }) => id === `${group}-${TOPIC}-${partition}-${at}`);
  expect([named(offset).length, named(second.offset).length]).toEqual([1, 1]);
}, 120_000);

async function openLog(): Promise<CommitLog> {
  const config = readEnvironment(z.object(commitLogEnvironment), { FIELDGATE_KAFKA_BROKERS: brokers });
  const log = await openCommitLog(config, { clock: systemClock, logger: createLogger({ level: 'silent' }) });
  await log.start();
  cleanUps.push(() => log.stop());
  return log;
}

function startMember(group: string, key: string) {
  const member = spawn(process.execPath, [CHILD, brokers, group, key], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const said = new Inbox<Record<string, unknown>>();
  const parse = (line: string): Record<string, unknown> => JSON.parse(line) as Record<string, unknown>; // of our own child
  createInterface({ input: member.stdout }).on('line', (line) => said.push(parse(line)));
  cleanUps.push(async () => {
    const gone = once(member, 'exit');
    member.kill('SIGKILL');
    await gone;
  });
  return { process: member, said };
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 60_000; !(await condition());)
    if (performance.now() > deadline) throw new Error('not within a minute');
}
