import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { register } from 'prom-client';
import { NOW } from '../testing/away-log.js';
import { SpoolingBench, until, untilState } from '../testing/spooling-bench.js';
import { DiskSpool } from './disk-spool.js';
import type { SpooledRecord } from './record-frame.js';

const LONG_MS = 60_000;
const DEAD_LETTER = 'fieldgate.dead-letters.v1 of a';

describe('the spooling writer, with what the log refuses for good', () => {
  let bench: SpoolingBench;

  beforeEach(async () => {
    bench = await SpoolingBench.create();
  });
  afterEach(() => bench.end());

  it('keeps a dead letter of what the log refuses, and goes on', async () => {
    const writer = await bench.start();
    bench.log.goAway(0);
    bench.log.refuses.add('a:2');
    bench.append(writer, 'a', '1', '2', '3');
    bench.log.timeIsOver(0);
    await bench.settled.count(3);
    bench.log.comeBack(0);
    await untilState(writer, 'direct');
    expect(bench.log.records.all.toSorted()).toEqual(['a:1', 'a:3', 'fieldgate.dead-letters.v1 of a']);
  });

  it(
    'holds nobody up when a dead letter of what an earlier run has left is not taken in time',
    async () => {
      const before = await bench.start();
      bench.log.goAway(0);
      bench.log.refuses.add('a:2');
      bench.append(before, 'a', '1', '2', '3');
      bench.log.timeIsOver(0);
      await bench.settled.count(3);
      await bench.stop();
      bench.log.comeBack(0);
      const letters = holdDeadLetters();
      const counted = await outcomes();
      const writer = await bench.start();
      let devices = 0;
      await until(async () => {
        devices += 1;
        bench.append(writer, `b${devices}`, 'live');
        const settled = await bench.settled.count(3 + devices);
        return settled.at(-1) === `b${devices}:live in the log`;
      });
      expect(writer.status()).toMatchObject({ state: 'draining' });
      expect(writer.status().records).toBeGreaterThan(0);
      expect((await outcomes()).get('dead-letter')).toBe(counted.get('dead-letter')); // it is not one before it is taken
      for (const send of letters) send();
      await untilState(writer, 'direct');
      expect(bench.log.records.all).toContain(DEAD_LETTER);
      expect((await outcomes()).get('dead-letter')).toBe((counted.get('dead-letter') ?? 0) + 1);
    },
    LONG_MS,
  );

  it('keeps in quarantine what the log takes neither as it is nor as a dead letter', async () => {
    const before = await outcomes();
    const writer = await bench.start();
    bench.log.goAway(0);
    for (const refused of ['a:keep me', DEAD_LETTER]) bench.log.refuses.add(refused);
    bench.append(writer, 'a', '1', 'keep me', '3');
    bench.log.timeIsOver(0);
    await bench.settled.count(3);
    bench.log.comeBack(0);
    await untilState(writer, 'direct');
    await bench.stop();
    expect(bench.log.records.all).toEqual(['a:1', 'a:3']);
    expect(await quarantined()).toEqual([expect.stringContaining('keep me')]);
    const risen = [...(await outcomes())].map(([outcome, value]) => [
      outcome,
      value - (before.get(outcome) ?? 0),
    ]);
    expect(Object.fromEntries(risen)).toEqual({ spooled: 3, drained: 2, 'dead-letter': 0, lost: 1 });
    expect(bench.lines.all.filter(({ msg }) => msg === 'spooled record refused by the log')).toEqual([
      expect.objectContaining({
        deviceId: 'a',
        quarantineFile: expect.stringContaining(join(bench.directory, 'quarantine')),
      }),
    ]);
  });

  it('keeps in quarantine what a newer version has left for a topic of its own, and goes on', async () => {
    const before = new DiskSpool({
      directory: bench.directory,
      logger: bench.logger,
      damaged: () => undefined,
    });
    await before.open();
    const ofTopic = (topic: string, text: string): SpooledRecord => {
      return { topic: topic as SpooledRecord['topic'], key: 'a', value: Buffer.from(text), timestampMs: NOW }; // it may be none that we know
    };
    const known = 'fieldgate.telemetry.v1';
    await before.append([
      ofTopic(known, '1'),
      ofTopic('fieldgate.of-tomorrow.v9', 'keep me'),
      ofTopic(known, '3'),
    ]);
    await before.close();
    const writer = await bench.start();
    await untilState(writer, 'direct');
    expect(bench.log.records.all).toEqual(['a:1', 'a:3']);
    expect(await quarantined()).toEqual([expect.stringContaining('keep me')]);
  });

  function holdDeadLetters(): (() => void)[] {
    const { log } = bench;
    const deliver = log.deliver.bind(log);
    const held: (() => void)[] = [];
    log.deliver = (record, timestampMs, settle) => {
      if (record.topic !== 'fieldgate.dead-letters.v1') return deliver(record, timestampMs, settle);
      return held.push(() => deliver(record, timestampMs, settle)) > 0;
    };
    return held;
  }

  async function quarantined(): Promise<string[]> {
    const directory = join(bench.directory, 'quarantine');
    const names = await readdir(directory);
    return Promise.all(names.map((name) => readFile(join(directory, name), 'latin1')));
  }
});

/** Of the whole process. */
async function outcomes(): Promise<Map<unknown, number>> {
  const metric = await register.getSingleMetric('fieldgate_spool_records_total')?.get();
  return new Map(metric?.values.map(({ labels, value }) => [labels.outcome, value]));
}
