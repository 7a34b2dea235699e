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
/** Durable records of this process: what it has derived. */
const WRITTEN = 'fieldgate_embedded_log_records_total{result="appended"} ';
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

    const killed = await start(settings);
    await sampleUntil(killed.http, WRITTEN, (count) => count > 0);
    await killed.program.stop('SIGKILL');
    const derived = (await withLog(folder.path, endOf)) - end;
    expect(derived).toBeGreaterThan(0);
    expect(derived).toBeLessThan(fleet.sent);
    const restarted = await start(settings);
    await sampleUntil(restarted.http, LAG, (lag) => lag === 0);
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

/** Known only once the processor consumes, or writes. */
async function sampleUntil(http: string, name: string, wanted: (value: number) => boolean): Promise<void> {
  const read = async (): Promise<number> => {
    const page = await (await fetch(`${http}/metrics`)).text();
    const line = page.split('\n').find((candidate) => candidate.startsWith(name));
    return Number(line?.slice(name.length));
  };
  const value = await until(read, (sample) => !Number.isNaN(sample) && wanted(sample), 60_000);
  if (Number.isNaN(value) || !wanted(value)) throw new Error(`${name}${value}`);
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
