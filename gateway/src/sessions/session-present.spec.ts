import { expect, it } from '@jest/globals';
import { givenGateway } from '../testing/given-gateway.js';
import { PacketClient } from '../testing/packet-client.js';

const open = (port: number, clean: boolean, sessionExpiryInterval = 3_600) =>
  PacketClient.open(port, { protocolVersion: 5, clean, properties: { sessionExpiryInterval } });

async function unsubscribes(client: PacketClient, topic: string): Promise<unknown> {
  client.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: [topic] });
  return client.next();
}

const FILTER = 'devices/pump-7/commands/#';

async function subscribed(port: number): Promise<PacketClient> {
  const client = await open(port, false);
  expect(await client.next()).toMatchObject({ cmd: 'connack', sessionPresent: false });
  client.send({
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [{ topic: FILTER, qos: 1, nl: false, rap: false, rh: 0 }],
  });
  expect(await client.next()).toMatchObject({ cmd: 'suback' });
  return client;
}

it('begins a session where none is kept, and goes on with the one that is, subscriptions and all', async () => {
  const { gateway } = await givenGateway();
  const first = await subscribed(gateway.port);
  const second = await open(gateway.port, false);
  expect(await second.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
  expect(await unsubscribes(second, FILTER)).toMatchObject({ cmd: 'unsuback', granted: [0] });
  await first.closed;
  second.destroy();
});

it('throws the old session away on Clean Start', async () => {
  const { gateway } = await givenGateway();
  const first = await subscribed(gateway.port);
  const second = await open(gateway.port, true);
  expect(await second.next()).toMatchObject({ cmd: 'connack', sessionPresent: false });
  expect(await unsubscribes(second, FILTER)).toMatchObject({ cmd: 'unsuback', granted: [0x11] });
  await first.closed;
  second.destroy();
});

it('tells the earlier connection of the device with 0x8E that it is over', async () => {
  const { gateway } = await givenGateway();
  const first = await subscribed(gateway.port);
  const second = await open(gateway.port, false);
  expect(await first.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8e });
  await first.closed;
  second.destroy();
});
