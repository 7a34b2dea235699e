import { createLogger } from '@fieldgate/service';
import { expect, it } from '@jest/globals';
import { register } from 'prom-client';
import { LedgerUnderTest, TELEMETRY } from '../testing/ledger-under-test.js';
import { batchOf, recordsOf } from '../testing/written.js';
import { CountLedger, LEDGER_TUNING } from './count-ledger.js';
import type { RegisteredDevices } from './ledger-lane.js';

const STATES = 'fieldgate.ledger-states.v1';

async function total(name: string): Promise<number | undefined> {
  return (await register.getSingleMetric(`fieldgate_ledger_${name}_records`)?.get())?.values[0]?.value;
}

const inLog = (): Promise<number | undefined> => total('in_log');

async function counting({ log, clock }: LedgerUnderTest, devices: RegisteredDevices): Promise<CountLedger> {
  const logger = createLogger({ level: 'silent' });
  const tuning = { ...LEDGER_TUNING, checkpointMs: 0, checkpointMsPerDevice: 0, lookMs: 0 };
  const ledger = new CountLedger({ log, devices, clock, monotonic: clock, logger }, tuning);
  await ledger.follow(await batchOf(log, TELEMETRY));
  return ledger;
}

it('what has gone from the log before the storage group had passed it is not stored, although the group goes on behind it', async () => {
  const written = await new LedgerUnderTest().start();
  for (let seq = 1; seq <= 8; seq += 1) await written.reading(seq);
  const { reader } = written.log;
  const ledger = await counting(written, { get: () => true, caughtUp: async () => undefined });
  const looks = async (committed: number, earliest: number): Promise<number | undefined> => {
    reader.committed = async () => new Map([[0, committed]]);
    reader.bounds = async () => [{ partition: 0, earliest, end: 100 }];
    await ledger.due();
    return total('stored');
  };
  expect(await looks(3, 0)).toBe(3);
  expect(await looks(5, 2)).toBe(5);
  expect(await looks(5, 6)).toBe(5);
  expect(await looks(100, 100)).toBe(5);
});

it('a device that is deleted leaves the sums, and its row the log', async () => {
  const written = await new LedgerUnderTest().start();
  for (let seq = 1; seq <= 3; seq += 1) await written.reading(seq);
  await written.reading(1, { key: 'pump-8' });
  const registered = new Set(['pump-7', 'pump-8']);
  const seen = new Set<string>();
  const devices = {
    get: (id: string): true | undefined => (seen.has(id) ? true : undefined),
    caughtUp: async (): Promise<void> => {
      seen.clear();
      for (const id of registered) seen.add(id);
    },
  };
  const { log } = written;
  const ledger = await counting(written, devices);
  await ledger.due();
  expect(await inLog()).toBe(4); // also of one of whom the table hears only now

  registered.delete('pump-7');
  await devices.caughtUp();
  await ledger.due();
  expect(await inLog()).toBe(1);
  const rows = await recordsOf(log, STATES);
  expect(rows.filter(({ key }) => key === 'pump-7').map(({ value }) => value === null)).toEqual([
    false,
    true,
  ]);

  await written.report({ received: 3, acknowledged: 3 }, { final: true }); // of the connection that it had
  await ledger.due();
  expect(await inLog()).toBe(1);
  expect((await recordsOf(log, STATES)).findLast(({ key }) => key === 'pump-7')?.value).toBeNull();
});
