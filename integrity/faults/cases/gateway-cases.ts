import { metric } from '../../support/metrics.js';
import { Bystander } from '../bystander.js';
import type { FaultCase, FaultContext } from '../fault-case.js';
import { frozen } from './kafka-faults.js';

const STOPS_WITHIN_MS = 30_000;
const TAKEN_OVER_WITHIN_MS = 60_000;
const MQTT5_SESSION_TAKEN_OVER = 0x8e;

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
    takesMs: 22_000,
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
      'one client id at two gateways: devices come back at the other while the first still holds their connection; then a second client with the same id connects there',
    promise: 'when one client id is connected at two gateways',
    takesMs: 18_000,
    extra: ['gateway-2'],
    gatewayOf: (random) => (random() < 0.5 ? 'gateway' : 'gateway-2'),
    ordersPerGateway: true,
    async run(context) {
      const { doors, load, between, wait, faultEnded } = context;
      for (let move = 0; move < 4; move++) {
        await wait(between(300, 1_500));
        doors.forEach((door) => door.halfOpen());
        load.devices.forEach((device) => device.drop());
      }
      await wait(between(300, 1_500));
      await secondClients(context);
      faultEnded();
      await eachConnectedOnce(context);
    },
  },
  {
    name: 'F18',
    title: 'SIGTERM of the gateway under load with Kafka frozen',
    takesMs: 24_000,
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

/** At the other gateway, while the device is connected: it takes the device's session, and the device takes it back. */
async function secondClients({ doors, load, reaches, check }: FaultContext): Promise<void> {
  await reaches(
    'every device is in',
    () => load.devices.every(({ isOnline }) => isOnline),
    TAKEN_OVER_WITHIN_MS,
  );
  const { devices } = load;
  const before = devices.map(({ connects }) => connects);
  devices.forEach(({ farewells }) => farewells.clear());
  const seconds = load.registrations().flatMap(({ id, secret }, index) => {
    const { connectedTo, version } = devices[index] ?? {};
    const other = [...doors.values()].find(({ port }) => port !== connectedTo);
    if (connectedTo === undefined || other === undefined) return []; // it has just lost its connection
    return [{ index, client: new Bystander({ id, secret, version: version ?? 4, port: other.port }) }];
  });
  check(seconds.length > devices.length / 2, `only ${seconds.length} devices were connected`);
  const isBack = (index: number): boolean =>
    (devices[index]?.connects ?? 0) > (before[index] ?? 0) && (devices[index]?.isOnline ?? false);
  await reaches(
    'every device has lost its session to the second client, and has it back',
    () => seconds.every(({ index }) => isBack(index)),
    TAKEN_OVER_WITHIN_MS,
  );
  await reaches(
    'every second client has lost the session again',
    () => seconds.every(({ client }) => client.isClosed),
    TAKEN_OVER_WITHIN_MS,
  );
  check(
    seconds.every(({ client }) => client.connack === 0),
    'a second client was not let in',
  );
  const told = seconds.filter(({ index }) => devices[index]?.farewells.has(MQTT5_SESSION_TAKEN_OVER));
  const ofVersion5 = seconds.filter(({ index }) => devices[index]?.version === 5);
  check(told.length === ofVersion5.length, `${told.length} of ${ofVersion5.length} devices heard 0x8E`);
  seconds.forEach(({ client }) => client.destroy());
}

/** The gateways know it too: connections that were left half-open are gone. */
async function eachConnectedOnce({ installation, load, reaches }: FaultContext): Promise<void> {
  const gateways = installation.names.filter((name) => name.startsWith('gateway'));
  const connections = async (): Promise<number> => {
    const each = gateways.map(async (name) =>
      metric(await installation.of(name).httpUrl(), 'fieldgate_gateway_connections'),
    );
    return (await Promise.all(each)).reduce((sum, count) => sum + count, 0);
  };
  await reaches(
    'every device has one connection',
    async () => (await connections()) === load.devices.length,
    TAKEN_OVER_WITHIN_MS,
  );
}
