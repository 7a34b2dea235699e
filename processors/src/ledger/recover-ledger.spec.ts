import { encodeDeadLetter, ledgerStateSchema, tableRows, unaccountedRecords } from '@fieldgate/contracts';
import type { MemoryLog } from '@fieldgate/commit-log/testing';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { register } from 'prom-client';
import { heardLogger, ledgerOf, LedgerUnderTest, START, TELEMETRY } from '../testing/ledger-under-test.js';
import { recordsOf } from '../testing/written.js';
import { LedgerLane } from './ledger-lane.js';

let ledger: LedgerUnderTest;
beforeEach(async () => {
  ledger = await new LedgerUnderTest().start();
});

describe('after a crash', () => {
  it.each([0, 11, 34])('counts the same as without one, with the group at offset %i', async (from) => {
    await ledger.history();
    const all = [...(await ledger.counted()).devices.values()].map((device) => device.ledger());
    const records = (await recordsOf(ledger.log, TELEMETRY)).slice(0, 20);
    const { lane } = await ledger.recovered();
    await lane.follow(records);
    await lane.checkpoint();
    await lane.follow((await recordsOf(ledger.log, TELEMETRY)).slice(20, 30)); // lost with the process
    const again = [...(await ledger.counted(from)).devices.values()].map((device) => device.ledger());
    expect(again).toEqual(all);
  });

  it('counts the same when the checkpoint was cut off between two rows', async () => {
    await ledger.history();
    const all = [...(await ledger.counted()).devices.values()].map((device) => device.ledger());
    const { lane } = await ledger.recovered();
    await lane.follow((await recordsOf(ledger.log, TELEMETRY)).slice(0, 20));
    await lane.checkpoint();
    await lane.follow((await recordsOf(ledger.log, TELEMETRY)).slice(20, 30));
    const states = await recordsOf(ledger.log, 'fieldgate.ledger-states.v1');
    const { writer } = ledger.log;
    let left = 1;
    writer.append = failAfter(writer.append.bind(writer), () => (left -= 1) < 0);
    await expect(lane.checkpoint()).rejects.toThrow();
    delete (writer as { append?: unknown }).append; // the one of its class again
    await ledger.write('fieldgate.alerts.v1', Buffer.from('behind it'));
    expect((await recordsOf(ledger.log, 'fieldgate.ledger-states.v1')).length).toBe(states.length + 1);
    expect([...(await ledger.counted()).devices.values()].map((device) => device.ledger())).toEqual(all);
  });

  it('holds some megabytes at a time of what it counts again, however large the readings are', async () => {
    await ledger.history();
    await (await ledger.counted()).checkpoint();
    let last = 0;
    for (let each = 0; each < 100; each += 1)
      last = await ledger.write(TELEMETRY, new Uint8Array(100 * 1024));
    const follow = jest.spyOn(LedgerLane.prototype, 'follow');
    await ledger.recovered(last + 1);
    expect(follow.mock.calls.map(([records]) => records.length)).toEqual([41, 41, 18]);
    follow.mockRestore();
  });

  it('takes the batch that comes again for what it is', async () => {
    await ledger.history();
    const lane = await ledger.counted();
    const before = structuredClone(ledgerOf(lane));
    await lane.follow(await recordsOf(ledger.log, TELEMETRY));
    expect(ledgerOf(lane)).toEqual(before);
  });

  it('writes only what has changed, and rows that can be read', async () => {
    await ledger.history();
    const lane = await ledger.counted();
    await lane.checkpoint();
    const rows = await recordsOf(ledger.log, 'fieldgate.ledger-states.v1');
    const read = tableRows('fieldgate.ledger-states.v1', ledgerStateSchema);
    expect(rows.map(({ value }) => value && read(value)?.kind)).toEqual([
      'claim',
      'lane',
      'device',
      'device',
      'lane',
    ]);
    await lane.checkpoint();
    await ledger.reading(100, { key: 'pump-8' });
    await lane.follow((await recordsOf(ledger.log, TELEMETRY)).slice(-1));
    await lane.checkpoint();
    expect(
      (await recordsOf(ledger.log, 'fieldgate.ledger-states.v1')).map(({ key }) => key).slice(5),
    ).toEqual(['pump-8', '~lane/0']);
  });
});

function failAfter(
  append: MemoryLog['writer']['append'],
  isOver: () => boolean,
): MemoryLog['writer']['append'] {
  return (record, settle) => {
    if (!isOver()) return append(record, settle);
    queueMicrotask(() => settle(new Error('cut off') as never, undefined, record)); // any error
    return true;
  };
}

describe('a ledger that does not have all that was', () => {
  const ACKED = { received: 10, acknowledged: 10 };

  /** 10 readings over one connection, and a report of them. */
  async function tenReadings(): Promise<void> {
    for (let seq = 0; seq < 10; seq += 1) await ledger.reading(seq);
    await ledger.report(ACKED);
  }

  /** Over a connection that began a while later; one record is lost. */
  async function later(): Promise<void> {
    ledger.clock.ms += 300_000;
    const from = ledger.clock.ms;
    await ledger.reading(10, { connection: 'later' });
    await ledger.report({ received: 2, acknowledged: 2 }, { connection: 'later', from });
  }

  async function refusedByStore(offset: number, atMs: number): Promise<void> {
    const record = (await recordsOf(ledger.log, TELEMETRY))[offset];
    const from = { topic: TELEMETRY, partition: 0, offset, group: 'fieldgate.storage' };
    const letter = encodeDeadLetter({
      deviceId: 'pump-7',
      id: `store-${offset}`,
      code: 'record-refused',
      detail: '',
      payload: record?.value ?? new Uint8Array(),
      atMs,
      origin: { kind: 'log', ...from },
    });
    await ledger.write('fieldgate.dead-letters.v1', letter);
  }

  const unaccounted = (lane: LedgerLane): number => unaccountedRecords(ledgerOf(lane));

  it('because its rows are lost shows no loss of the connections of before, and those of after', async () => {
    await tenReadings();
    await later();
    const lane = await ledger.counted(6);
    expect(ledgerOf(lane).connections).toMatchObject([
      { connection: 'one', report: { counters: ACKED }, isPartial: true },
      { connection: 'later' },
    ]);
    expect(unaccounted(lane)).toBe(1);
    await lane.checkpoint();
    await ledger.report(ACKED, { connection: 'quiet until now' });
    await ledger.report(ACKED, { connection: 'of a device that is new here' }, 'pump-8');
    const next = await ledger.counted(6);
    expect(unaccounted(next)).toBe(1);
    expect(unaccountedRecords(ledgerOf(next, 'pump-8'))).toBe(0);
  });

  it('because its rows are lost does not count what the store had refused of the readings of before', async () => {
    await tenReadings();
    await refusedByStore(2, START + 30);
    await refusedByStore(8, ledger.clock.ms);
    expect(ledgerOf(await ledger.counted(6)).connections).toMatchObject([
      { log: { inLog: 4, notStored: 1 } },
    ]);
  });

  it('with all its rows it does', async () => {
    await tenReadings();
    await refusedByStore(2, START + 30);
    await refusedByStore(8, ledger.clock.ms);
    expect(ledgerOf(await ledger.counted()).connections).toMatchObject([
      { log: { inLog: 10, notStored: 2 } },
    ]);
  });

  it('because the topic was made anew shows no loss of the connections of before', async () => {
    await tenReadings();
    await (await ledger.counted()).checkpoint();
    ledger.makeAnew(TELEMETRY);
    await ledger.reading(10);
    await later();
    await ledger.report({ ...ACKED, acknowledged: 12 }, { number: 2 });
    expect(unaccounted(await ledger.counted())).toBe(1);
  });

  it('because the topic was made anew, and is longer by now than the one before, counts all of it', async () => {
    await tenReadings();
    await (await ledger.counted()).checkpoint();
    ledger.makeAnew(TELEMETRY, true);
    const from = ledger.clock.ms;
    for (let seq = 0; seq < 20; seq += 1) await ledger.reading(seq, { connection: 'later' });
    await ledger.report({ received: 20, acknowledged: 20 }, { connection: 'later', from });
    const lane = await ledger.counted();
    expect(ledgerOf(lane).connections.at(-1)).toMatchObject({ connection: 'later', log: { inLog: 20 } });
    expect(unaccounted(lane)).toBe(0);
  });

  it('because the topic was made anew counts a device that was silent until the next start', async () => {
    for (let seq = 0; seq < 10; seq += 1) await ledger.reading(seq, { key: 'pump-8' });
    await tenReadings();
    await (await ledger.counted()).checkpoint();
    ledger.makeAnew(TELEMETRY);
    await later();
    await (await ledger.counted()).checkpoint();
    const from = ledger.clock.ms;
    for (let seq = 0; seq < 5; seq += 1) await ledger.reading(seq, { key: 'pump-8', connection: 'back' });
    await ledger.report({ received: 5, acknowledged: 5 }, { connection: 'back', from }, 'pump-8');
    expect(ledgerOf(await ledger.counted(), 'pump-8').connections).toMatchObject([
      { connection: 'back', log: { inLog: 5 } },
    ]);
  });

  it('because the topic was made anew has no use for a row that is not understood', async () => {
    await tenReadings();
    await (await ledger.counted()).checkpoint();
    await ledger.write('fieldgate.ledger-states.v1', Buffer.from('{"stored":-1}'), 'pump-8');
    ledger.makeAnew(TELEMETRY);
    await later();
    const { logger, lines } = heardLogger();
    await (await ledger.counted(0, logger)).checkpoint();
    await ledger.counted(0, logger);
    expect(lines).toHaveLength(1);
  });

  it('because readings expired before they were counted shows no loss of the connections of before', async () => {
    await tenReadings();
    await (await ledger.counted()).checkpoint();
    for (let seq = 10; seq < 20; seq += 1) await ledger.reading(seq);
    await ledger.report({ received: 20, acknowledged: 20 }, { number: 2 });
    await later();
    const { reader } = ledger.log;
    const bounds = reader.bounds.bind(reader);
    reader.bounds = async (topic) =>
      (await bounds(topic)).map((each) => (topic === TELEMETRY ? { ...each, earliest: 15 } : each));
    const read = reader.read.bind(reader);
    reader.read = (topic, range) =>
      read(topic, { ...range, from: topic === TELEMETRY ? Math.max(15, range.from) : range.from });
    expect(unaccounted(await ledger.counted(15))).toBe(1);
  });

  it('because a row is not understood says so, and counts that device anew', async () => {
    await tenReadings();
    await ledger.reading(1, { key: 'pump-8' });
    await (await ledger.counted()).checkpoint();
    await ledger.write('fieldgate.ledger-states.v1', Buffer.from('{"stored":-1}'));
    ledger.clock.ms += 1_000;
    await ledger.reading(11);
    await ledger.report({ ...ACKED, acknowledged: 11 }, { number: 2 });
    const { logger, lines } = heardLogger();
    const unreadable = async (): Promise<number> =>
      (await valueOf('fieldgate_ledger_unreadable_rows_total')) ?? 0;
    const before = await unreadable();
    const lane = await ledger.counted(0, logger);
    expect(lines).toMatchObject([
      { msg: 'ledger rows not understood', key: 'pump-7', offset: 5, rows: 1, code: 'record-unreadable' },
    ]);
    expect((await unreadable()) - before).toBe(1);
    expect(ledgerOf(lane).connections).toMatchObject([{ log: { inLog: 1 } }]);
    expect(ledgerOf(lane, 'pump-8').connections).toMatchObject([{ log: { inLog: 1 } }]);
    expect(unaccounted(lane)).toBe(0);
    await lane.checkpoint();
    expect(unaccounted(await ledger.counted(0, logger))).toBe(0);
    expect(lines).toHaveLength(1);
  });
});

async function valueOf(name: string): Promise<number | undefined> {
  const metric = await register.getSingleMetric(name)?.get();
  return metric?.values[0]?.value;
}
