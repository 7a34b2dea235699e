import { encodeDeadLetter, missingSeq, unaccountedRecords } from '@fieldgate/contracts';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ledgerOf, LedgerUnderTest, START, TELEMETRY } from '../testing/ledger-under-test.js';
import { recordsOf } from '../testing/written.js';

let ledger: LedgerUnderTest;
beforeEach(async () => {
  ledger = await new LedgerUnderTest().start();
});

describe('what is counted of a device', () => {
  it('is what came over each connection: copies, what is late, what is missing', async () => {
    await ledger.reading(1);
    await ledger.reading(2, { id: 'a' });
    await ledger.reading(2, { id: 'a' });
    await ledger.reading(5, { connection: 'two', agoMs: 61_000 });
    await ledger.event(6, 'hot', 'two');
    await ledger.event(0, 'connected');
    await ledger.reading(undefined, { connection: 'two' });
    const { connections, sequence, others } = ledgerOf(await ledger.counted());
    expect(connections).toMatchObject([
      { connection: 'one', log: { inLog: 3, duplicates: 1, late: 0 } },
      { connection: 'two', log: { inLog: 3, duplicates: 0, late: 1 } },
    ]);
    expect(others.inLog).toBe(0);
    expect(sequence.gaps).toEqual([{ from: 3, to: 4 }]);
  });

  it('has no gap where an event has the number, however many there are between two looks', async () => {
    for (let seq = 1; seq < 400; seq += 1)
      await (seq % 3 === 0 ? ledger.event(seq, 'hot', 'one') : ledger.reading(seq));
    expect(missingSeq(ledgerOf(await ledger.counted()).sequence)).toBe(0);
  });

  it('has the counters of its gateway, the newest, and what was refused', async () => {
    await ledger.report({ received: 5 }, { number: 2, to: START + 120_000 });
    await ledger.report({ received: 4 }, { number: 1 });
    await ledger.letter('1');
    await ledger.letter('2', { elements: [0, 4] });
    expect(ledgerOf(await ledger.counted()).connections).toMatchObject([
      { report: { number: 2, counters: { received: 5 } }, log: { deadLetters: { 'payload-not-json': 3 } } },
    ]);
  });

  it('is kept of the newest 20 connections, and summed up of the others', async () => {
    for (let each = 0; each < 25; each += 1) {
      await ledger.reading(each, { connection: `c-${each}` });
      await ledger.report(
        { received: 1, acknowledged: 1 },
        { connection: `c-${each}`, final: each % 2 === 0, to: ledger.clock.ms },
      );
    }
    const { connections, earlier } = ledgerOf(await ledger.counted());
    expect(connections.map(({ connection }) => connection)).toEqual(
      Array.from({ length: 20 }, (_, n) => `c-${n + 5}`),
    );
    expect(earlier).toMatchObject({
      connections: 5,
      incomplete: 2,
      log: { inLog: 5 },
      counters: { acknowledged: 5 },
    });
  });

  it('says what gateways have put into the log and nobody finds there', async () => {
    await ledger.reading(1);
    await ledger.reading(2, { connection: 'two' });
    await ledger.reading(3, { connection: 'two' });
    await ledger.report({ received: 3, acknowledged: 3 });
    await ledger.report(
      { received: 2, acknowledged: 1, unasked: 1, refused: { 'topic-forbidden': 4 } },
      { connection: 'two' },
    );
    expect(unaccountedRecords(ledgerOf(await ledger.counted()))).toBe(2);
  });
});

describe('stored', () => {
  it('is what the storage group is past, without copies and what the store has refused', async () => {
    for (let seq = 1; seq <= 30; seq += 1) await ledger.reading(seq, { id: `r-${seq % 20}` });
    const lane = await ledger.counted();
    const stored = (): number | undefined => ledgerOf(lane).connections[0]?.log.stored;
    expect(stored()).toBe(0);
    const storedUpTo = (committed: number): void =>
      lane.storedUpTo(TELEMETRY, new Map([[0, { committed, before: 0, earliest: 0 }]]));
    storedUpTo(4);
    expect(stored()).toBe(4);
    storedUpTo(30);
    expect(stored()).toBe(20);
    const [first] = await recordsOf(ledger.log, TELEMETRY);
    const origin = {
      kind: 'log',
      topic: TELEMETRY,
      partition: 0,
      offset: 0,
      group: 'fieldgate.storage',
    } as const;
    const payload = first?.value ?? Buffer.from('');
    const letter = {
      deviceId: 'pump-7',
      id: '1',
      code: 'record-refused',
      detail: '',
      payload,
      atMs: START,
    } as const;
    await ledger.write('fieldgate.dead-letters.v1', encodeDeadLetter({ ...letter, origin }));
    await lane.followSide(30);
    expect(ledgerOf(lane).connections[0]?.log).toMatchObject({ stored: 20, notStored: 1 });
  });
});
