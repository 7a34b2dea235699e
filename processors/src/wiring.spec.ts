import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import {
  CommitLogModule,
  COMMIT_LOG,
  ConsumerGroupServer,
  LogStart,
  type CommitLog,
} from '@fieldgate/commit-log';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { createLogger, ServiceModule } from '@fieldgate/service';
import {
  StoreStart,
  TELEMETRY_STORE,
  TelemetryStoreModule,
  type TelemetryStore,
} from '@fieldgate/telemetry-store';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { PROCESSOR_GROUPS } from './consumer-groups.js';
import { ProcessorsModule } from './processors.module.js';
import { writeReading } from './testing/written.js';

it('a record in the log becomes a point in the store, through Nest', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fieldgate-processors-'));
  const log = createMemoryLog();
  const module = await Test.createTestingModule({
    imports: [
      ServiceModule.forRoot({ logger: createLogger({ level: 'silent' }) }),
      CommitLogModule.forLog(log),
      TelemetryStoreModule.forRoot({ FIELDGATE_DATA_DIR: directory }),
      ProcessorsModule.forRoot(),
    ],
  }).compile();
  const application = module.createNestApplication(new FastifyAdapter());
  const failures: unknown[] = [];
  for (const { group, transport } of PROCESSOR_GROUPS) {
    application.connectMicroservice({
      strategy: new ConsumerGroupServer({
        group,
        transport,
        log: application.get<CommitLog>(COMMIT_LOG),
        started: application.get(LogStart).started,
        failed: (error) => failures.push(error),
      }),
    });
  }
  await application.init();
  await application.startAllMicroservices();
  await Promise.all([application.get(LogStart).started, application.get(StoreStart).started]);
  await writeReading(log, { deviceId: 'pump-7', id: 'r-1', timeMs: Date.now(), value: 42 });
  const store = application.get<TelemetryStore>(TELEMETRY_STORE);
  let latest = await store.latest('pump-7');
  while (latest.length === 0 && failures.length === 0) {
    await new Promise((resolve) => setImmediate(resolve));
    latest = await store.latest('pump-7');
  }
  expect(failures).toEqual([]);
  expect(latest).toMatchObject([{ metric: 'n', value: 42 }]);
  await application.close();
  await rm(directory, { recursive: true });
});
