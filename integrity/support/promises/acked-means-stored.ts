import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { atEndOfEachTest } from '../at-end.js';
import type { Deployment } from '../deployment.js';
import { expectStoredOnce } from '../expect-stored-once.js';
import { NumberedFleet } from '../numbered-fleet.js';
import { randomFrom } from '../random.js';

const SEED = Number(process.env['FIELDGATE_SEED'] ?? 7);

/** Kills each part in turn, at moments that the seed decides, while ten devices publish. */
export function describeAckedMeansStored(open: () => Promise<Deployment>, kills: number): void {
  describe('what a device has an acknowledgement for', () => {
    const atEnd = atEndOfEachTest();

    it(`is in the store after each of ${kills} kills of a process under load, once (seed ${SEED})`, async () => {
      const random = randomFrom(SEED);
      const moment = (): number => 200 + Math.floor(random() * 3_000);
      const deployment = await open();
      atEnd(() => deployment.stop());
      const fleet = new NumberedFleet(`kill-${randomBytes(3).toString('hex')}`, 10, 20);
      atEnd(() => fleet.close());
      const from = Date.now();
      await deployment.operator.register(fleet.registrations());
      await fleet.connect(deployment.mqttPort);

      for (let kill = 0; kill < kills; kill++) {
        const part = deployment.parts[kill % deployment.parts.length] ?? 'all';
        await fleet.publishUntil(moment());
        if (part === deployment.partOf('gateway')) {
          await deployment.restart(part);
          await fleet.connect(deployment.mqttPort);
          expect(fleet.devices.filter((device) => !device.sessionPresent)).toEqual([]);
        } else {
          await Promise.all([fleet.publishUntil(moment()), deployment.restart(part)]);
        }
      }
      await fleet.settle();

      await expectStoredOnce(deployment.operator, fleet, from);
    }, 240_000);
  });
}
