import { expect, it } from '@jest/globals';
import { requestCommand } from '../testing/given-command.js';
import { givenGateway } from '../testing/given-gateway.js';
import { PacketClient } from '../testing/packet-client.js';
import { recordsOf } from '../testing/test-gateway.js';

// Where the gateway differs from a broker: docs/mqtt-conformance.md has the reasons.

const KEPT = { protocolVersion: 5, clean: false, properties: { sessionExpiryInterval: 3_600 } } as const;
const READING = {
  cmd: 'publish',
  topic: 'devices/pump-7/telemetry',
  payload: '{"a":1}',
  qos: 1,
  messageId: 7,
  dup: false,
} as const;

async function subscribed(port: number): Promise<PacketClient> {
  const client = await PacketClient.open(port, KEPT);
  expect(await client.next()).toMatchObject({ cmd: 'connack' });
  const subscriptions = [{ topic: 'devices/pump-7/#', qos: 1 as const, nl: false, rap: false, rh: 0 }];
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions });
  expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [1] });
  return client;
}

it('does not forward what a device publishes, not even to itself', async () => {
  const { gateway } = await givenGateway();
  const client = await subscribed(gateway.port);
  client.send({ ...READING, retain: false });
  expect(await client.next()).toMatchObject({ cmd: 'puback' });
  client.send({ cmd: 'pingreq' });
  expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
  client.destroy();
});

it('takes a retained message like any other, and retains nothing', async () => {
  const { log, gateway } = await givenGateway();
  const client = await PacketClient.open(gateway.port, KEPT);
  expect(await client.next()).not.toHaveProperty('properties.retainAvailable');
  client.send({ ...READING, retain: true });
  expect(await client.next()).toMatchObject({ cmd: 'puback', reasonCode: 0 });
  expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(1);
  const again = await subscribed(gateway.port);
  again.send({ cmd: 'pingreq' });
  expect(await again.next()).toMatchObject({ cmd: 'pingresp' });
  client.destroy();
  again.destroy();
});

it('does not send a command again on the next connection of the session', async () => {
  const { log, gateway } = await givenGateway();
  const first = await subscribed(gateway.port);
  await requestCommand(log);
  expect(await first.next()).toMatchObject({ cmd: 'publish' });
  first.destroy(); // without its PUBACK
  const second = await PacketClient.open(gateway.port, KEPT);
  expect(await second.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
  second.send({ cmd: 'pingreq' });
  expect(await second.next()).toMatchObject({ cmd: 'pingresp' });
  second.destroy();
});
