import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { atEndOfEachTest } from '../at-end.js';
import type { Deployment } from '../deployment.js';
import { expectStoredOnce } from '../expect-stored-once.js';
import { ADMIN_KEY } from '../fieldgate-process.js';
import { NumberedFleet } from '../numbered-fleet.js';

/** What was taken is answered within a moment; devices that go on sending must not make a stop wait for its limits (5 s and 10 s). */
const IN_TIME_MS = 4_500;
const SERVER_SHUTTING_DOWN = 0x8b;

export function describeStopsInOrder(open: () => Promise<Deployment>): void {
  describe('a process that gets SIGTERM', () => {
    const atEnd = atEndOfEachTest();

    it('says goodbye under load, ends with 0 in time, and has stored what it acknowledged', async () => {
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

    it('ends with 0 while somebody holds its HTTP port and says nothing, and after a stream was broken off', async () => {
      const deployment = await open();
      atEnd(() => deployment.stop());
      await breakOffStream(deployment.httpOf('operator-api'));
      for (const part of deployment.parts) {
        const silent = await silentConnection(deployment.httpOf(part === 'all' ? 'gateway' : part));
        atEnd(() => void silent.destroy());
        expect({ part, code: await deployment.terminate(part) }).toEqual({ part, code: 0 });
      }
    }, 60_000);
  });
}

async function silentConnection(http: string): Promise<Socket> {
  const { hostname, port } = new URL(http);
  const socket = connect(Number(port), hostname).on('error', () => undefined); // it is reset in the end
  await once(socket, 'connect');
  await once(get(`${http}/livez`, { agent: false }), 'response'); // came later: the process has taken the other one too
  return socket;
}

async function breakOffStream(http: string): Promise<void> {
  const leave = new AbortController();
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  const { body } = await fetch(`${http}/v1/stream`, { headers, signal: leave.signal });
  await body?.getReader().read(); // it is served
  leave.abort();
}
