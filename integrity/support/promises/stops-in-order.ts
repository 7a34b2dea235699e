import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { atEndOfEachTest } from '../at-end.js';
import type { Deployment } from '../deployment.js';
import { expectStoredOnce } from '../expect-stored-once.js';
import { NumberedFleet } from '../numbered-fleet.js';

/** What was taken is answered within a moment; devices that go on sending must not make a stop wait for its limits (5 s and 10 s). */
const IN_TIME_MS = 4_500;
const SERVER_SHUTTING_DOWN = 0x8b;

export function describeStopsInOrder(open: () => Promise<Deployment>): void {
  describe('a process that gets SIGTERM under load', () => {
    const atEnd = atEndOfEachTest();

    it('says goodbye, ends with 0 in time, and has stored what it acknowledged', async () => {
      const deployment = await open();
      atEnd(() => deployment.stop());
      const fleet = new NumberedFleet(`stop-${randomBytes(3).toString('hex')}`, 10, 20);
      atEnd(() => fleet.close());
      const from = Date.now();
      await deployment.operator.register(fleet.registrations());
      await fleet.connect(deployment.mqttPort);

      for (const part of deployment.parts) {
        await fleet.publishUntil(500);
        const goesOn = fleet.publishUntil(part === deployment.partOf('gateway') ? Infinity : 500);
        const closed = goesOn.then(
          () => false,
          () => true, // every connection, by the goodbye below
        );
        const startedAt = performance.now();
        expect({ part, code: await deployment.terminate(part) }).toEqual({ part, code: 0 });
        expect(performance.now() - startedAt).toBeLessThan(IN_TIME_MS);
        expect(await closed).toBe(part === deployment.partOf('gateway'));
        if (part === deployment.partOf('gateway')) {
          const mqtt5 = fleet.devices.filter(({ version }) => version === 5);
          expect(new Set(mqtt5.map(({ disconnectReason }) => disconnectReason))).toEqual(
            new Set([SERVER_SHUTTING_DOWN]),
          );
        }
        await deployment.start(part);
        if (part === deployment.partOf('gateway')) await fleet.connect(deployment.mqttPort);
      }
      await fleet.settle();
      await expectStoredOnce(deployment.operator, fleet, from);
    }, 120_000);
  });
}
