import { encodeDeadLetter } from '@fieldgate/contracts';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ledgerOf, LedgerUnderTest, TELEMETRY } from '../testing/ledger-under-test.js';
import { recordsOf } from '../testing/written.js';
import type { LedgerLane } from './ledger-lane.js';

const EVENTS = 'fieldgate.events.v1';
let ledger: LedgerUnderTest;
beforeEach(async () => {
  ledger = await new LedgerUnderTest().start();
});

const inLog = (lane: LedgerLane, id = 'pump-7'): number | undefined =>
  ledgerOf(lane, id).connections[0]?.log.inLog;

async function looks(lane: LedgerLane, times: number): Promise<void> {
  for (let each = 0; each < times; each += 1) await lane.followSide(1);
}

describe('what comes beside the readings', () => {
  it('is counted at once, however much of other devices lies before it', async () => {
    const { reader } = ledger.log;
    const bounds = reader.bounds.bind(reader);
    const another = { partition: 1, earliest: 0, end: 0 };
    reader.bounds = async (topic) =>
      topic === TELEMETRY ? (await bounds(topic)).concat(another) : bounds(topic);
    reader.partitionOf = (topic, key) => (topic === TELEMETRY && key !== 'pump-7' ? 1 : 0);
    const value = encodeDeadLetter({
      deviceId: 'other',
      id: '1',
      code: 'value-type',
      detail: '',
      payload: Buffer.from('x'),
      atMs: ledger.clock.ms,
      origin: { kind: 'mqtt', topic: 't', qos: 1 },
    });
    const write = (): Promise<number> => ledger.write('fieldgate.dead-letters.v1', value, 'other');
    await Promise.all(Array.from({ length: 5_500 }, write));
    await ledger.letter('1');
    await ledger.reading(1);
    const { lane, batch } = await ledger.recovered();
    await lane.follow(batch.records);
    expect(ledgerOf(lane).connections).toMatchObject([
      { log: { inLog: 1, deadLetters: { 'payload-not-json': 1 } } },
    ]);
    expect(lane.devices.has('other')).toBe(false);
  });

  it('waits for no future, where the clock of a gateway is ahead', async () => {
    await ledger.reading(0);
    const { lane, batch } = await ledger.recovered();
    await lane.follow(batch.records);
    ledger.clock.ms += 3_600_000;
    await ledger.letter('1');
    ledger.clock.ms -= 3_600_000;
    await ledger.letter('2');
    await lane.followSide(1_000);
    expect(ledgerOf(lane).connections).toMatchObject([{ log: { deadLetters: {} } }]);
    await ledger.reading(1);
    await lane.follow((await recordsOf(ledger.log, TELEMETRY)).slice(-1));
    await lane.followSide(1_000);
    expect(ledgerOf(lane).connections).toMatchObject([
      { log: { inLog: 2, deadLetters: { 'payload-not-json': 2 } } },
    ]);
  });

  it('is counted when its topic is made anew, from its beginning, by this holder and the next', async () => {
    await ledger.reading(0);
    for (let seq = 1; seq <= 50; seq += 1) await ledger.event(seq, 'hot', 'one');
    await ledger.event(1, 'hot', 'eight', 'pump-8');
    const lane = await ledger.counted();
    await lane.checkpoint();
    ledger.makeAnew(EVENTS);
    for (let seq = 51; seq <= 53; seq += 1) await ledger.event(seq, 'hot', 'one');
    await looks(lane, 29);
    expect(inLog(lane)).toBe(51);
    await looks(lane, 2);
    expect(inLog(lane)).toBe(54);
    await lane.checkpoint();
    await ledger.event(54, 'hot', 'one');
    await ledger.event(2, 'hot', 'eight', 'pump-8');
    const next = await ledger.counted();
    expect([inLog(next), inLog(next, 'pump-8')]).toEqual([55, 2]);
  });

  it('is counted when its topic was made anew while nobody counted', async () => {
    await ledger.reading(0);
    for (let seq = 1; seq <= 50; seq += 1) await ledger.event(seq, 'hot', 'one');
    await (await ledger.counted()).checkpoint();
    ledger.makeAnew(EVENTS);
    await ledger.event(51, 'hot', 'one');
    const lane = await ledger.counted();
    await looks(lane, 30);
    expect(inLog(lane)).toBe(52);
  });

  it('is not counted again when its topic only seems to be shorter for a moment', async () => {
    await ledger.reading(0);
    for (let seq = 1; seq <= 50; seq += 1) await ledger.event(seq, 'hot', 'one');
    const lane = await ledger.counted();
    const { reader } = ledger.log;
    const bounds = reader.bounds.bind(reader);
    for (let times = 0; times < 3; times += 1) {
      reader.bounds = async (topic) =>
        (await bounds(topic)).map((each) => (topic === EVENTS ? { ...each, end: 40 } : each));
      await looks(lane, 20);
      reader.bounds = bounds;
      await looks(lane, 1);
    }
    expect(inLog(lane)).toBe(51);
  });
});
