import { DuckDBInstance } from '@duckdb/node-api';
import { join } from 'node:path';
import { Deployment } from './support/deployment.js';
import {
  describeLedgerVerify,
  type LedgerBench,
} from './support/promises/ledger-verify-names-what-is-missing.js';
import { temporaryFolder } from './support/temporary-folder.js';

describeLedgerVerify(async (): Promise<LedgerBench> => {
  const folder = await temporaryFolder();
  const deployment = await Deployment.embedded({ FIELDGATE_DATA_DIR: folder.path });
  return {
    deployment,
    ends: async () => new Map(), // a new log
    lose: async (deviceId, timeMs) => {
      await deployment.terminate('all'); // one process at a time can open the file
      await deleteReading(join(folder.path, 'store', 'telemetry.duckdb'), [deviceId, 'speed', timeMs]);
      await deployment.start('all');
      return ['speed'];
    },
    stop: async () => {
      await deployment.stop();
      await folder.remove();
    },
  };
});

async function deleteReading(path: string, reading: [device: string, metric: string, timeMs: number]) {
  const instance = await DuckDBInstance.create(path);
  const connection = await instance.connect();
  const result = await connection.run(
    `DELETE FROM numbers WHERE series = (SELECT series FROM series WHERE device = $1 AND metric = $2 AND kind = 'numbers')
       AND time = epoch_ms($3::BIGINT)::TIMESTAMP_MS`,
    reading,
  );
  const { rowsChanged } = result;
  connection.closeSync();
  instance.closeSync();
  if (rowsChanged !== 1) throw new Error(`${rowsChanged} readings were deleted, not 1`);
}
