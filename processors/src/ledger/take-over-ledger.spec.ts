import { encodeTableRow, ledgerStateSchema, tableRows } from '@fieldgate/contracts';
import { beforeEach, expect, it } from '@jest/globals';
import { ledgerOf, LedgerUnderTest, TELEMETRY } from '../testing/ledger-under-test.js';
import type { LedgerLane } from './ledger-lane.js';
import { recordsOf } from '../testing/written.js';

const STATES = 'fieldgate.ledger-states.v1';

let ledger: LedgerUnderTest;
beforeEach(async () => {
  ledger = await new LedgerUnderTest().start();
});

it('counts the same when the first holder ends before its first checkpoint', async () => {
  await ledger.history();
  const all = ledgersOf(await ledger.counted());
  const other = await new LedgerUnderTest().start();
  ledger = other;
  await ledger.history();
  const { lane } = await other.recovered();
  await lane.follow((await recordsOf(other.log, TELEMETRY)).slice(0, 20));
  expect(ledgersOf(await other.counted(20))).toEqual(all);
});

/** The same records, and of the rows the newest of each key. */
async function compact(): Promise<void> {
  const newest = new Map<string, Uint8Array | null>();
  for (const { key, value } of await recordsOf(ledger.log, STATES)) {
    newest.delete(key); // it keeps the place of the newest
    newest.set(key, value);
  }
  ledger = await new LedgerUnderTest().start();
  await ledger.history();
  for (const [key, value] of newest) if (value) await ledger.write(STATES, value, key);
}

const ledgersOf = (lane: LedgerLane): Map<string, unknown> =>
  new Map([...lane.devices].map(([id, device]) => [id, device.ledger()]));

const inLogOf = (lane: LedgerLane): unknown[] =>
  [...lane.devices.values()]
    .flatMap((device) => device.ledger().connections)
    .map(({ connection, log }) => [connection, log.inLog]);

it('takes nothing that a frozen holder writes when it comes back for newer, and writes over it', async () => {
  await ledger.history();
  const all = ledgersOf(await ledger.counted());
  const records = await recordsOf(ledger.log, TELEMETRY);
  const { lane: frozen } = await ledger.recovered();
  await frozen.follow(records.slice(0, 20));
  const { lane: next } = await ledger.recovered();
  await next.follow(records.slice(0, -1));
  await next.checkpoint();
  await frozen.checkpoint(); // it was on its way
  await next.follow(records.slice(-1)); // of one device, and the rows of the other are the old ones
  await next.checkpoint();
  const again = await ledger.counted(records.length);
  expect(ledgersOf(again)).toEqual(all);
  await again.checkpoint();
  const read = tableRows(STATES, ledgerStateSchema);
  const rows = await recordsOf(ledger.log, STATES);
  const newest = new Map(rows.map(({ key, value }) => [key, value && read(value)]));
  for (const [id, device] of again.devices) expect(newest.get(id)).toMatchObject(device.ledger());
});

it('takes rows of a frozen holder when compaction has left no others', async () => {
  await ledger.history();
  const records = await recordsOf(ledger.log, TELEMETRY);
  const { lane: frozen } = await ledger.recovered();
  await frozen.follow(records);
  await ledger.recovered();
  await frozen.checkpoint();
  const counted = ledgersOf(frozen);
  await compact();
  const { lane } = await ledger.recovered(records.length);
  expect(ledgersOf(lane)).toEqual(counted);
});

it('does not compare a device of which only a row of a frozen holder is left with what it counts from then on', async () => {
  await ledger.history();
  const records = await recordsOf(ledger.log, TELEMETRY);
  const { lane: frozen } = await ledger.recovered();
  await frozen.follow(records.slice(0, 10));
  const { lane: next } = await ledger.recovered();
  await next.follow(records);
  await next.checkpoint();
  await frozen.checkpoint(); // it was on its way, and ends before its row of the partition
  const rows = await recordsOf(ledger.log, STATES);
  const lanes = rows.filter(({ key }) => key === '~lane/0');
  await ledger.write(STATES, lanes.at(-2)?.value ?? Buffer.of(), '~lane/0');
  await compact();
  const { lane } = await ledger.recovered(records.length);
  expect(ledgersOf(lane)).toEqual(ledgersOf(frozen));
  await ledger.report({ acknowledged: 1_000 }, { connection: 'c-0', number: 1_000 });
  await lane.followSide(records.length);
  const connections = ledgerOf(lane).connections.filter(({ connection }) => connection === 'c-0');
  expect(connections).toMatchObject([{ isPartial: true, report: { counters: { acknowledged: 1_000 } } }]);
});

it('compares a device that is newer than the row of the partition, of which only a row of a frozen holder is there', async () => {
  await ledger.recovered(); // writes the row of the partition
  await ledger.history();
  const { lane: frozen } = await ledger.recovered();
  await frozen.follow(await recordsOf(ledger.log, TELEMETRY));
  await ledger.recovered();
  await frozen.checkpoint(); // it was on its way
  await ledger.report({ acknowledged: 1_000 }, { connection: 'c-0', number: 1_000 });
  const { connections } = ledgerOf(await ledger.counted());
  const kept = connections.find(({ connection }) => connection === 'c-0');
  expect(kept).toMatchObject({ log: { inLog: 20 }, report: { counters: { acknowledged: 1_000 } } });
  expect(kept).not.toHaveProperty('isPartial');
});

it('takes all rows behind a claim of nobody when compaction has left no other row of the partition', async () => {
  await ledger.history();
  const all = ledgersOf(await ledger.counted());
  const records = await recordsOf(ledger.log, TELEMETRY);
  const { lane: holder } = await ledger.recovered();
  await holder.follow(records.slice(0, 10));
  await holder.checkpoint();
  const old = (await recordsOf(ledger.log, STATES)).filter(({ key }) => key === 'pump-8').at(-1);
  const row = { key: '~claim/0', id: 'abcdef012345-1', atMs: ledger.clock.ms, data: { kind: 'claim' } };
  const stray = encodeTableRow(STATES, row);
  await ledger.write(STATES, stray, row.key);
  await holder.follow(records.slice(10));
  await holder.checkpoint();
  await compact();
  const rows = await recordsOf(ledger.log, STATES);
  ledger = await new LedgerUnderTest().start();
  await ledger.history();
  await ledger.write(STATES, old?.value ?? Buffer.of(), 'pump-8'); // as when it is in the segment that is not compacted
  for (const { key, value } of rows) if (value) await ledger.write(STATES, value, key);
  const { lane } = await ledger.recovered(records.length);
  await lane.followSide(records.length);
  expect(ledgersOf(lane)).toEqual(all);
});

it('counts nothing twice when a checkpoint was cut off and the next holder ends before it has come so far', async () => {
  await ledger.history();
  const all = inLogOf(await ledger.counted());
  const records = await recordsOf(ledger.log, TELEMETRY);
  const { lane: cut } = await ledger.recovered();
  await cut.follow(records.slice(0, 20));
  await cut.checkpoint();
  const old = (await recordsOf(ledger.log, STATES)).filter(({ key }) => key === '~lane/0').at(-1);
  await cut.follow(records.slice(20));
  await cut.checkpoint();
  await ledger.write(STATES, old?.value ?? Buffer.of(), '~lane/0');
  const { lane: next } = await ledger.recovered(20);
  next.storedUpTo(TELEMETRY, new Map([[0, { committed: 20, before: 20, earliest: 0 }]]));
  await next.checkpoint();
  expect(inLogOf(await ledger.counted(20))).toEqual(all);
});

it('writes no row when another may hold the partition by now', async () => {
  await ledger.history();
  const lane = await ledger.counted();
  const before = (await recordsOf(ledger.log, STATES)).length;
  ledger.isAlone = false;
  await expect(lane.checkpoint()).rejects.toMatchObject({ code: 'log-unavailable' });
  expect(await recordsOf(ledger.log, STATES)).toHaveLength(before);
  ledger.isAlone = true;
  await lane.checkpoint();
  expect((await recordsOf(ledger.log, STATES)).length).toBeGreaterThan(before);
});

it('tries again when another has claimed the partition meanwhile, or may have', async () => {
  await ledger.history();
  const atMs = ledger.clock.ms;
  const { writer } = ledger.log;
  const append = writer.append.bind(writer);
  let claims = 0;
  writer.append = (record, settle) => {
    const room = append(record, settle);
    const id = 'abcdef012345-1';
    const row = { key: '~claim/0', id, atMs, data: { kind: 'claim' } };
    const value = encodeTableRow(STATES, row);
    if ((claims += 1) === 1) append({ topic: record.topic, key: row.key, value }, () => undefined);
    return room;
  };
  await expect(ledger.recovered()).rejects.toMatchObject({ code: 'log-unavailable' });
  expect((await ledger.counted()).devices.size).toBe(2);
  const before = claims;
  ledger.isAlone = false;
  await expect(ledger.recovered()).rejects.toMatchObject({ code: 'log-unavailable' });
  expect(claims).toBe(before);
});
