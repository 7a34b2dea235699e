import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SpoolingBench, untilState } from '../testing/spooling-bench.js';

/** Thousands of records on a machine that may be busy. */
const LONG_MS = 60_000;

describe('the spooling writer', () => {
  let bench: SpoolingBench;

  beforeEach(async () => {
    bench = await SpoolingBench.create();
  });
  afterEach(() => bench.end());

  it('writes straight to the log while that answers', async () => {
    const writer = await bench.start();
    bench.append(writer, 'a', '1', '2');
    await bench.settled.count(2);
    expect(bench.settled.all).toEqual(['a:1 in the log', 'a:2 in the log']);
    expect(writer.status()).toMatchObject({ state: 'direct', records: 0 });
  });

  it('takes what the log did not take in time, and what comes behind it, and brings it there in order', async () => {
    const writer = await bench.start();
    bench.log.goAway(0);
    bench.append(writer, 'a', '1', '2');
    bench.log.timeIsOver(0);
    bench.append(writer, 'a', '3');
    await bench.settled.count(3);
    expect(bench.settled.all).toEqual(['a:1 spooled', 'a:2 spooled', 'a:3 spooled']);
    expect(writer.status()).toMatchObject({ state: 'spooling', records: 3 });
    bench.log.comeBack(0);
    await bench.log.records.count(3);
    expect(bench.log.records.all).toEqual(['a:1', 'a:2', 'a:3']);
    await untilState(writer, 'direct');
    bench.append(writer, 'a', '4');
    await bench.settled.count(4);
    expect(bench.settled.all[3]).toBe('a:4 in the log');
  });

  it('lets other partitions go on, and new devices of one that is back', async () => {
    const writer = await bench.start();
    bench.log.goAway(0);
    bench.append(writer, 'a', '1');
    bench.log.timeIsOver(0);
    bench.append(writer, 'b', '1');
    bench.append(writer, 'a2', '1');
    await bench.settled.count(3);
    expect(bench.settled.all.toSorted()).toEqual(['a2:1 spooled', 'a:1 spooled', 'b:1 in the log']);
  });

  it('keeps a newer record of a key behind its older ones until these are in the log', async () => {
    const writer = await bench.start();
    bench.log.goAway(0);
    bench.append(writer, 'a', '1');
    bench.log.timeIsOver(0);
    await bench.settled.count(1);
    bench.log.comeBack(0);
    bench.append(writer, 'a', '2');
    await bench.log.records.count(2);
    expect(bench.log.records.all).toEqual(['a:1', 'a:2']);
  });

  it(
    'goes on with a partition that is back while another stays away, and catches up with that one later',
    async () => {
      const writer = await bench.start({ afterMs: 1 });
      bench.log.goAway(0, 1);
      const many = Array.from({ length: 3_000 }, (_, n) => String(n));
      bench.append(writer, 'a', ...many);
      bench.append(writer, 'b', ...many);
      bench.log.timeIsOver(0);
      bench.log.timeIsOver(1);
      await bench.settled.count(6_000);
      bench.log.comeBack(1);
      await bench.log.records.count(3_000);
      expect(bench.log.records.all).toEqual(many.map((text) => `b:${text}`));
      bench.log.comeBack(0);
      await bench.log.records.count(6_000);
      expect(bench.log.records.all.slice(3_000)).toEqual(many.map((text) => `a:${text}`));
      await untilState(writer, 'direct');
    },
    LONG_MS,
  );

  it('drains what an earlier run has left before anything new', async () => {
    const before = await bench.start();
    bench.log.goAway(0, 1);
    bench.append(before, 'a', '1', '2');
    bench.append(before, 'b', '1');
    bench.log.timeIsOver(0);
    bench.log.timeIsOver(1);
    await bench.settled.count(3);
    await bench.stop();

    const writer = await bench.start();
    expect(writer.status()).toMatchObject({ state: 'draining', records: 3 });
    bench.append(writer, 'a', '3');
    await bench.settled.count(4);
    expect(bench.settled.all[3]).toBe('a:3 spooled');
    bench.log.comeBack(0);
    bench.log.comeBack(1);
    await bench.log.records.count(4);
    expect(bench.log.records.all.filter((text) => text.startsWith('a'))).toEqual(['a:1', 'a:2', 'a:3']);
    await untilState(writer, 'direct');
  });

  it('does not bring again what is known to be in the log', async () => {
    const before = await bench.start();
    bench.log.goAway(0);
    bench.append(before, 'a', '1');
    bench.log.timeIsOver(0);
    await bench.settled.count(1);
    bench.log.comeBack(0);
    await untilState(before, 'direct');
    await bench.stop();
    const writer = await bench.start();
    expect(writer.status()).toMatchObject({ state: 'direct', records: 0 });
    expect(bench.log.records.all).toEqual(['a:1']);
  });

  it('puts on disk what the log gives back when it is closed', async () => {
    const writer = await bench.start();
    bench.log.goAway(0);
    bench.append(writer, 'a', '1');
    await writer.stopDraining();
    bench.log.timeIsOver(0);
    await writer.stop();
    bench.forget();
    expect(bench.settled.all).toEqual(['a:1 spooled']);
    bench.log.comeBack(0);
    const next = await bench.start();
    await untilState(next, 'direct');
    expect(bench.log.records.all).toEqual(['a:1']);
  });
});
