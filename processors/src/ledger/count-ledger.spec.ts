import { createLogger } from '@fieldgate/service';
import { expect, it } from '@jest/globals';
import { register } from 'prom-client';
import { LedgerUnderTest, TELEMETRY } from '../testing/ledger-under-test.js';
import { batchOf, recordsOf } from '../testing/written.js';
import { CountLedger, LEDGER_TUNING } from './count-ledger.js';

const STATES = 'fieldgate.ledger-states.v1';

async function inLog(): Promise<number | undefined> {
  return (await register.getSingleMetric('fieldgate_ledger_in_log_records')?.get())?.values[0]?.value;
}

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
  const { log, clock } = written;
  const logger = createLogger({ level: 'silent' });
  const tuning = { ...LEDGER_TUNING, checkpointMs: 0, checkpointMsPerDevice: 0, lookMs: 0 };
  const ledger = new CountLedger({ log, devices, clock, monotonic: clock, logger }, tuning);
  await ledger.follow(await batchOf(log, TELEMETRY));
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
