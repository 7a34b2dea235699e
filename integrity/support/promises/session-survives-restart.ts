import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { atEndOfEachTest } from '../at-end.js';
import type { Deployment } from '../deployment.js';
import { until } from '../operator.js';
import { RawDevice } from '../raw-device.js';

const SECRET = 'session-secret-0123456789';

export function describeSessionSurvivesRestart(open: () => Promise<Deployment>): void {
  describe('a device whose PUBACK was lost with its gateway', () => {
    const atEnd = atEndOfEachTest();
    let deployment: Deployment;
    beforeAll(async () => {
      deployment = await open();
    }, 60_000);
    afterAll(() => deployment?.stop(), 60_000);

    it.each([
      ['MQTT 5', 5],
      ['MQTT 3.1.1', 4],
    ] as const)(
      'finds its session present, sends again, and is stored once (%s)',
      async (_name, version) => {
        const id = `keeper-${randomBytes(3).toString('hex')}`;
        const from = Date.now();
        const stored = (wanted: (values: readonly number[]) => boolean): Promise<number[]> =>
          until(() => deployment.operator.values(id, 'n', from, Date.now() + 60_000), wanted, 30_000);
        await deployment.operator.register([{ id, secret: SECRET }]);
        const device = new RawDevice(id, SECRET, version);
        atEnd(() => device.close());
        await device.connect(deployment.mqttPort);
        expect(device.sessionPresent).toBe(false);
        await device.subscribe(`devices/${id}/commands/#`);
        device.stopReading();
        device.publish(0, { ts: Date.now(), seq: 0, readings: { n: 0 } });
        expect(await stored((values) => values.length > 0)).toEqual([0]);
        await deployment.kill(deployment.partOf('gateway'));
        expect(device.acknowledged.size).toBe(0);

        await deployment.start(deployment.partOf('gateway'));
        await device.connect(deployment.mqttPort);
        expect(device.sessionPresent).toBe(true);
        device.resend();
        device.publish(1, { ts: Date.now(), seq: 1, readings: { n: 1 } });
        await device.allAcknowledged();
        expect(await stored((values) => values.includes(1))).toEqual([0, 1]);
        await deployment.operator.commandReady(id); // the subscription is there again without a SUBSCRIBE
      },
      60_000,
    );
  });
}
