import { systemClock } from '@fieldgate/service';
import { pino } from 'pino';
import type { CommitLog } from '../commit-log.js';
import { describeLogContract } from '../testing/log-contract.js';
import { createKafkaLog } from './kafka-log.js';

/** Set by the global set-up of the services' tests. */
const brokers = (process.env['FIELDGATE_TEST_KAFKA'] ?? '').split(',');

describeLogContract('kafka', async () => {
  let log = await open();
  return {
    get log() {
      return log;
    },
    reopen: async () => {
      await log.stop();
      return (log = await open());
    },
    close: () => log.stop(),
  };
});

async function open(): Promise<CommitLog> {
  const log = createKafkaLog({
    brokers,
    clientId: 'contract',
    clock: systemClock,
    logger: pino({ level: 'warn' }),
  });
  await log.start();
  return log;
}
