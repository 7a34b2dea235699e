import { appended, createEmbeddedLog, type CommitLog } from '@fieldgate/commit-log';
import { createLogger, systemClock } from '@fieldgate/service';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { atEndOfEachTest } from './support/at-end.js';
import { Deployment } from './support/deployment.js';
import { until } from './support/operator.js';
import { dewPointOf, expectDewPoints, weatherFleet } from './support/processor-example/dew-points.js';
import { EXAMPLE, ExampleCopy, type ExampleProcess } from './support/processor-example/example-copy.js';
import { temporaryFolder } from './support/temporary-folder.js';

const GROUP = 'fieldgate.dew-point';
const TOPIC = 'fieldgate.telemetry.v1';
const LAG = `fieldgate_consumer_group_lag_records{group="${GROUP}",topic="${TOPIC}"} `;
const MESSAGES = 12_000;

let example: ExampleCopy;
beforeAll(async () => {
  example = await ExampleCopy.build();
}, 60_000);
afterAll(() => example.remove());

/** The embedded log is of one process at a time: Fieldgate, then the processor, then Fieldgate again. */
describe('the template of a processor, on the embedded log', () => {
  const atEnd = atEndOfEachTest();

  it('works through what is there, is killed half way, and neither leaves anything out nor stores it twice', async () => {
    const folder = await temporaryFolder();
    atEnd(() => folder.remove());
    const settings = { FIELDGATE_DATA_DIR: folder.path };
    const deployment = await Deployment.embedded(settings);
    atEnd(() => deployment.stop());
    const fleet = weatherFleet(`dew-${randomBytes(3).toString('hex')}`, 4);
    atEnd(() => fleet.close());
    const from = Date.now();
    await deployment.operator.register(fleet.registrations());
    await fleet.connect(deployment.mqttPort);
    await fleet.publishUntil(MESSAGES);
    await fleet.settle();
    fleet.close();
    expect(await deployment.terminate('all')).toBe(0);
    const stranger = fleet.devices[0]?.id ?? '';
    const end = await withLog(folder.path, async (log) => {
      const value = Buffer.from('not a reading');
      await appended(log.writer, { topic: TOPIC, key: stranger, value });
      return endOf(log);
    });

    const derived = await killedHalfWay(async () => {
      const { http, program } = await start(settings);
      await lagUntil(http, (lag) => lag > 0);
      await program.stop('SIGKILL');
      return (await withLog(folder.path, endOf)) - end;
    });
    expect(derived).toBeLessThan(fleet.sent);
    const restarted = await start(settings);
    await lagUntil(restarted.http, (lag) => lag === 0);
    expect(await restarted.program.stop()).toMatchObject({ code: 0, stderr: '' });

    await deployment.start('all');
    await expectDewPoints(deployment.operator, fleet, from);
    const letters = await deployment.operator.deadLettersUntil(stranger, 2); // of this group, and of the one that stores
    const code = 'record-unreadable';
    expect(letters).toContainEqual(
      expect.objectContaining({ code, origin: expect.objectContaining({ topic: TOPIC, group: GROUP }) }),
    );
  }, 180_000);

  it('says what it needs when it is told of no log', async () => {
    await expect(start({})).rejects.toThrow(/set FIELDGATE_KAFKA_BROKERS, or FIELDGATE_DATA_DIR/);
  });

  async function start(settings: Record<string, string>): Promise<ExampleProcess> {
    const started = await example.start(settings);
    atEnd(() => started.program.stop());
    return started;
  }
});

it('20 °C at 50 % have a dew point of 9.3 °C', () => {
  expect(dewPointOf({ temperature: 20, humidity: 50 })).toBe(9.3);
});

it('docs/processors.md shows the template as it is', async () => {
  const doc = await readFile(fileURLToPath(new URL('../docs/processors.md', import.meta.url)), 'utf8');
  const handler = await readFile(join(EXAMPLE, 'src/dew-point.controller.ts'), 'utf8');
  const main = await readFile(join(EXAMPLE, 'src/main.ts'), 'utf8');
  const shown = [...doc.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code]) => code);
  expect(shown[0]).toBe(handler.slice(handler.indexOf('@Controller()')));
  expect(shown[1]).toBe(main);
});

/** A kill may come before the first batch has been written: then the next one. How many it had written. */
async function killedHalfWay(startAndKill: () => Promise<number>): Promise<number> {
  for (let kill = 1; kill <= 20; kill += 1) {
    const derived = await startAndKill();
    if (derived > 0) return derived;
  }
  throw new Error('killed 20 times, and never in the middle of its work');
}

/** Known only once the processor consumes. */
async function lagUntil(http: string, wanted: (lag: number) => boolean): Promise<void> {
  const read = async (): Promise<number> => {
    const page = await (await fetch(`${http}/metrics`)).text();
    const line = page.split('\n').find((candidate) => candidate.startsWith(LAG));
    return Number(line?.slice(LAG.length));
  };
  const lag = await until(read, (value) => !Number.isNaN(value) && wanted(value), 60_000);
  if (Number.isNaN(lag) || !wanted(lag)) throw new Error(`the lag is ${lag}`);
}

async function endOf({ reader }: CommitLog): Promise<number> {
  return (await reader.bounds(TOPIC)).reduce((sum, { end }) => sum + end, 0);
}

async function withLog<T>(dataDir: string, use: (log: CommitLog) => Promise<T>): Promise<T> {
  const log = createEmbeddedLog({
    directory: join(dataDir, 'log'),
    clock: systemClock,
    logger: createLogger({ level: 'silent' }),
  });
  await log.start();
  try {
    return await use(log);
  } finally {
    await log.stop();
  }
}
