import { afterEach, describe, expect, it } from '@jest/globals';
import { FieldgateProcess } from './support/fieldgate-process.js';
import { expectStoredOnce } from './support/expect-stored-once.js';
import { NumberedFleet } from './support/numbered-fleet.js';
import { Operator } from './support/operator.js';
import { randomFrom } from './support/random.js';
import { temporaryFolder } from './support/temporary-folder.js';

/** CI kills more often than a developer wants to wait for. */
const KILLS = process.env['CI'] ? 20 : 5;
const SEED = Number(process.env['FIELDGATE_SEED'] ?? 7);

const cleanUp: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

describe('what a device has an acknowledgement for', () => {
  it(`is in the store after each of ${KILLS} kills of the process under load, once (seed ${SEED})`, async () => {
    const data = await temporaryFolder();
    cleanUp.push(() => data.remove());
    const environment = { FIELDGATE_DATA_DIR: data.path, FIELDGATE_GATEWAY_ID: 'gw-kill' };
    const random = randomFrom(SEED);
    const fleet = new NumberedFleet('kill', 10, 20);
    cleanUp.push(() => fleet.close());
    const from = Date.now();

    let fieldgate = await FieldgateProcess.start(environment);
    cleanUp.push(() => fieldgate.kill());
    await new Operator(fieldgate.ready.http).register(fleet.registrations());
    for (let kill = 0; kill < KILLS; kill++) {
      await fleet.connect(fieldgate.mqttPort);
      if (kill > 0) expect(fleet.devices.map((device) => device.sessionPresent)).not.toContain(false);
      await fleet.publishUntil(200 + Math.floor(random() * 3_000));
      await fieldgate.kill();
      fieldgate = await FieldgateProcess.start(environment);
    }
    await fleet.connect(fieldgate.mqttPort);
    await fleet.settle();

    await expectStoredOnce(new Operator(fieldgate.ready.http), fleet, from);
  }, 240_000);
});
