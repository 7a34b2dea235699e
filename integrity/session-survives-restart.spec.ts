import { afterEach, describe, expect, it } from '@jest/globals';
import { FieldgateProcess } from './support/fieldgate-process.js';
import { Operator, until } from './support/operator.js';
import { RawDevice } from './support/raw-device.js';
import { temporaryFolder } from './support/temporary-folder.js';

const SECRET = 'session-secret-0123456789';
const cleanUp: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).reverse()) await clean();
});

describe.each([
  ['MQTT 5', 5],
  ['MQTT 3.1.1', 4],
] as const)('a device that speaks %s and whose PUBACK was lost with the gateway', (_name, version) => {
  it('finds its session present, sends again, and is stored once', async () => {
    const data = await temporaryFolder();
    cleanUp.push(() => data.remove());
    const environment = { FIELDGATE_DATA_DIR: data.path, FIELDGATE_GATEWAY_ID: 'gw-session' };
    let fieldgate = await FieldgateProcess.start(environment);
    cleanUp.push(() => fieldgate.kill());
    let operator = new Operator(fieldgate.ready.http);
    await operator.register([{ id: 'keeper', secret: SECRET }]);
    const from = Date.now();

    const device = new RawDevice('keeper', SECRET, version);
    cleanUp.push(() => device.close());
    await device.connect(fieldgate.mqttPort);
    expect(device.sessionPresent).toBe(false);
    await device.subscribe('devices/keeper/commands/#');
    device.stopReading();
    device.publish(0, { ts: Date.now(), seq: 0, readings: { n: 0 } });
    const before = await until(
      () => operator.values('keeper', 'n', from, Date.now() + 60_000),
      (values) => values.length > 0,
      20_000,
    );
    expect(before).toEqual([0]);
    await fieldgate.kill();
    expect(device.acknowledged.size).toBe(0);

    fieldgate = await FieldgateProcess.start(environment);
    operator = new Operator(fieldgate.ready.http);
    await device.connect(fieldgate.mqttPort);
    expect(device.sessionPresent).toBe(true);
    const answered = new Promise<void>((resolve) => {
      device.onAcknowledged = () => {
        if (device.inFlight === 0) resolve();
      };
    });
    device.resend();
    device.publish(1, { ts: Date.now(), seq: 1, readings: { n: 1 } });
    await answered;
    const stored = await until(
      () => operator.values('keeper', 'n', from, Date.now() + 60_000),
      (values) => values.includes(1),
      20_000,
    );
    expect(stored).toEqual([0, 1]);

    // the subscription is there again without a SUBSCRIBE
    const { body } = await until(
      () => operator.call<{ presence: { commandReady: boolean } }>('GET', '/v1/devices/keeper'),
      (answer) => answer.body.presence.commandReady,
      10_000,
    );
    expect(body.presence.commandReady).toBe(true);
  }, 60_000);
});
