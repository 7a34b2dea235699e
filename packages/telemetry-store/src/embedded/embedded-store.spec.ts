import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@fieldgate/service';
import { describeStoreContract } from '../testing/store-contract.js';
import { T0 } from '../testing/records.js';
import type { TelemetryStore } from '../telemetry-store.js';
import { createEmbeddedStore } from './embedded-store.js';

const logger = createLogger({ level: 'silent' });
const clock = { now: () => T0 };

describeStoreContract('embedded', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fieldgate-store-'));
  const opened = async (): Promise<TelemetryStore> => {
    const store = createEmbeddedStore({ directory, clock, logger, gatherMs: 0 });
    await store.start();
    return store;
  };
  let current = await opened();
  return {
    store: current,
    reopen: async () => {
      await current.stop();
      current = await opened();
      return current;
    },
    close: async () => {
      await current.stop();
      await rm(directory, { recursive: true });
    },
  };
});
