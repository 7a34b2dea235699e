import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger, systemClock } from '@fieldgate/service';
import { describeLogContract, type OpenedLog } from '../testing/log-contract.js';
import { createEmbeddedLog } from './embedded-log.js';

const logger = createLogger({ level: 'silent' });

describeLogContract('LMDB', async (): Promise<OpenedLog> => {
  const directory = await mkdtemp(join(tmpdir(), 'fieldgate-log-'));
  let log = createEmbeddedLog({ directory, clock: systemClock, logger });
  await log.start();
  return {
    log,
    reopen: async () => {
      await log.stop();
      log = createEmbeddedLog({ directory, clock: systemClock, logger });
      await log.start();
      return log;
    },
    close: async () => {
      await log.stop();
      await rm(directory, { recursive: true });
    },
  };
});
