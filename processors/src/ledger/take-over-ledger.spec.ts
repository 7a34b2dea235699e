import { encodeTableRow, ledgerStateSchema, tableRows } from '@fieldgate/contracts';
import { beforeEach, expect, it } from '@jest/globals';
import { LedgerUnderTest, TELEMETRY } from '../testing/ledger-under-test.js';
import { recordsOf } from '../testing/written.js';

let ledger: LedgerUnderTest;
beforeEach(async () => {
  ledger = await new LedgerUnderTest().start();
});

it('counts the same when the first holder ends before its first checkpoint', async () => {
  await ledger.history();
  const all = [...(await ledger.counted()).devices.values()].map((device) => device.ledger());
  const other = await new LedgerUnderTest().start();
  ledger = other;
  await ledger.history();
  const { lane } = await other.recovered();
  await lane.follow((await recordsOf(other.log, TELEMETRY)).slice(0, 20));
  expect([...(await other.counted(20)).devices.values()].map((device) => device.ledger())).toEqual(all);
});

it('takes nothing that a frozen holder writes when it comes back for newer, and writes over it', async () => {
  await ledger.history();
  const all = [...(await ledger.counted()).devices.values()].map((device) => device.ledger());
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
  expect([...again.devices.values()].map((device) => device.ledger())).toEqual(all);
  await again.checkpoint();
  const read = tableRows('fieldgate.ledger-states.v1', ledgerStateSchema);
  const rows = await recordsOf(ledger.log, 'fieldgate.ledger-states.v1');
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
  const counted = [...frozen.devices.values()].map((device) => device.ledger());
  const rows = await recordsOf(ledger.log, 'fieldgate.ledger-states.v1');
  const newest = new Map(rows.map(({ key, value }) => [key, value]));
  ledger = await new LedgerUnderTest().start();
  await ledger.history();
  for (const [key, value] of newest) if (value) await ledger.write('fieldgate.ledger-states.v1', value, key);
  const { lane } = await ledger.recovered(records.length);
  expect([...lane.devices.values()].map((device) => device.ledger())).toEqual(counted);
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
    const value = encodeTableRow('fieldgate.ledger-states.v1', row);
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
