import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { atEndOfEachTest } from './support/at-end.js';
import { Deployment } from './support/deployment.js';
import { until } from './support/operator.js';
import { expectDewPoints, weatherFleet } from './support/processor-example/dew-points.js';
import { ExampleCopy, type ExampleProcess } from './support/processor-example/example-copy.js';

let example: ExampleCopy;
beforeAll(async () => {
  example = await ExampleCopy.build();
}, 60_000);
afterAll(() => example.remove());

describe('the template of a processor, on Kafka beside a Fieldgate that runs', () => {
  const atEnd = atEndOfEachTest();

  it('two instances share the devices; one is killed and started again, one is stopped, and each reading is dealt with once', async () => {
    const deployment = await Deployment.distributed();
    atEnd(() => deployment.stop());
    const first = await start();
    const second = await start();
    const fleet = weatherFleet(`dew-${randomBytes(3).toString('hex')}`, 10);
    atEnd(() => fleet.close());
    const from = Date.now();
    await deployment.operator.register(fleet.registrations());
    await fleet.connect(deployment.mqttPort);

    await fleet.publishUntil(1_000);
    const { id } = fleet.devices[0] ?? { id: '' };
    const seen = await until(
      () => deployment.operator.values(id, 'dew_point', from, Date.now() + 60_000),
      (values) => values.length > 0,
      90_000,
    );
    expect(seen).not.toHaveLength(0); // the group is at work
    await Promise.all([fleet.publishUntil(3_000), first.program.stop('SIGKILL')]);
    const again = await start();
    await fleet.publishUntil(3_000);
    expect(await second.program.stop()).toMatchObject({ code: 0, stderr: '' });
    await fleet.publishUntil(3_000);
    await fleet.settle();

    await expectDewPoints(deployment.operator, fleet, from);
    expect(await again.program.stop()).toMatchObject({ code: 0, stderr: '' });
  }, 240_000);

  async function start(): Promise<ExampleProcess> {
    const started = await example.start({
      FIELDGATE_KAFKA_BROKERS: process.env['FIELDGATE_TEST_KAFKA'] ?? '',
    });
    atEnd(() => started.program.stop());
    return started;
  }
});
