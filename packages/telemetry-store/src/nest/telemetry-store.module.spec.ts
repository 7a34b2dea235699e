import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger, Readiness, ServiceModule, Supervisor } from '@fieldgate/service';
import { Test, type TestingModule } from '@nestjs/testing';
import { TELEMETRY_STORE, type TelemetryStore } from '../telemetry-store.js';
import { StoreStart } from './store-start.js';
import { TelemetryStoreModule } from './telemetry-store.module.js';

const logger = createLogger({ level: 'silent' });

let directory: string;
let readiness: Readiness;
let supervisor: Supervisor;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fieldgate-module-'));
  readiness = new Readiness();
  supervisor = new Supervisor(logger);
});

afterEach(() => rm(directory, { recursive: true }));

function compile(dataDirectory: string): Promise<TestingModule> {
  return Test.createTestingModule({
    imports: [
      ServiceModule.forRoot({ logger, readiness, supervisor }),
      TelemetryStoreModule.forRoot({ FIELDGATE_DATA_DIR: dataDirectory }),
    ],
  }).compile();
}

describe('TelemetryStoreModule', () => {
  it('starts the store beside the application, says when it is ready, and stops it at the end', async () => {
    const module = await compile(directory);
    const store = module.get<TelemetryStore>(TELEMETRY_STORE);
    expect(readiness.report().checks['telemetry store']).toBe('the telemetry store is not running');
    await module.init();
    await module.get(StoreStart).started;
    await readiness.ready();
    expect(store.problem()).toBeUndefined();
    await module.close();
    await expect(store.latest('pump')).rejects.toEqual(
      expect.objectContaining({ code: 'store-unavailable' }),
    );
  });

  it('reports a directory that cannot be used to the supervisor, and can still be closed', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    const failure = new Promise((resolve) => supervisor.onFailure(resolve));
    const module = await compile(file);
    await module.init();
    const unusable = expect.objectContaining({ code: 'data-dir-unusable' });
    expect(await failure).toEqual(unusable);
    await expect(module.get(StoreStart).started).rejects.toEqual(unusable);
    expect(readiness.report().ready).toBe(false);
    await module.close();
  });
});
