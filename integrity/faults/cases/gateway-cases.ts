import type { FaultCase } from '../fault-case.js';
import { frozen } from './kafka-faults.js';

const STOPS_WITHIN_MS = 30_000;

/** Killed, told to stop, overrun, and left for another. */
export const gatewayCases: readonly FaultCase[] = [
  {
    name: 'F1',
    title: 'gateway `kill -9` under load, three times',
    promise: 'when the gateway is killed',
    takesMs: 15_000,
    async run({ installation, between, wait, startGateway, faultEnded }) {
      for (let kill = 0; kill < 3; kill++) {
        await wait(between(200, 1_500));
        await installation.of('gateway').kill();
        await startGateway();
        faultEnded();
      }
    },
  },
  {
    name: 'F16',
    title: '2,000 devices reconnecting at once',
    takesMs: 40_000,
    load: { devices: 2_000, perSecond: 1_000, window: 4 },
    async run({ doors, between, wait, faultEnded }) {
      await wait(between(500, 2_000));
      doors.get('gateway')?.cut();
      faultEnded();
    },
  },
  {
    name: 'F17',
    title:
      'one client id at two gateways: devices come back at the other one, the first still holds the connection',
    promise: 'when devices move between two gateways, and the first does not know',
    takesMs: 20_000,
    extra: ['gateway-2'],
    gatewayOf: (random) => (random() < 0.5 ? 'gateway' : 'gateway-2'),
    ordersPerGateway: true,
    async run({ doors, load, between, wait, faultEnded }) {
      for (let move = 0; move < 6; move++) {
        await wait(between(300, 1_500));
        doors.forEach((door) => door.halfOpen());
        load.devices.forEach((device) => device.drop());
      }
      faultEnded();
    },
  },
  {
    name: 'F18',
    title: 'SIGTERM of the gateway under load with Kafka frozen',
    takesMs: 35_000,
    async run({ services, installation, between, wait, during, startGateway, check }) {
      const gateway = installation.of('gateway');
      const kafka = frozen(services);
      await during(
        {
          begin: async () => {
            await kafka.begin();
            await wait(between(500, 5_000));
            const started = performance.now();
            const code = await gateway.stop();
            const seconds = (performance.now() - started) / 1000;
            check(code === 0, `the gateway ended with ${code}`);
            check(seconds * 1000 < STOPS_WITHIN_MS, `the gateway took ${seconds.toFixed(1)} s to stop`);
          },
          end: () => kafka.end(),
        },
        0,
      );
      await startGateway();
    },
  },
];
