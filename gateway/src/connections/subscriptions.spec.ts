import { expect, it } from '@jest/globals';
import { givenGateway } from '../testing/given-gateway.js';
import { PacketClient } from '../testing/packet-client.js';

const FILTERS = [
  ['its commands', 'devices/pump-7/commands/#', 1],
  ['all of its own', 'devices/pump-7/#', 1],
  ['with a wildcard of one level below its own', 'devices/pump-7/commands/+/stop', 1],
  ['everything', '#', 0x87],
  ['everything with a first level', '+/#', 0x87],
  ['all devices', 'devices/#', 0x87],
  ['a wildcard in place of the device', 'devices/+/commands/#', 0x87],
  ['another device', 'devices/pump-8/commands/#', 0x87],
  ['a device whose name begins like its own', 'devices/pump-77/commands/#', 0x87],
  ['nothing below its own', 'devices/pump-7/', 0x87],
  ['the broker’s own topics', '$SYS/#', 0x87],
  ['one of them', '$SYS/broker/clients/connected', 0x87],
  ['a member of every object', '__proto__', 0x87],
  ['a share of everything', '$share/group/#', 0x9e],
  ['a share of its own', '$share/group/devices/pump-7/commands/#', 0x9e],
] as const;

it.each([[5], [4]] as const)(
  'a SUBSCRIBE in MQTT version %i is answered filter by filter',
  async (version) => {
    const { gateway } = await givenGateway();
    const client = await PacketClient.open(gateway.port, { protocolVersion: version });
    await client.next();
    const subscriptions = FILTERS.map(([, topic]) => ({
      topic,
      qos: 1 as const,
      nl: false,
      rap: false,
      rh: 0,
    }));
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions });
    const codes = FILTERS.map(([, , code]) => (version === 5 || code < 0x80 ? code : 0x80)); // 3.1.1 knows one failure
    expect(await client.next()).toMatchObject({ cmd: 'suback', granted: codes });
    client.destroy();
  },
);

it('a SUBSCRIBE with an empty share name is a protocol error ([MQTT-4.8.2-1])', async () => {
  const { gateway } = await givenGateway();
  const client = await PacketClient.open(gateway.port, { protocolVersion: 5 });
  await client.next();
  const subscriptions = [
    { topic: '$share//devices/pump-7/commands/#', qos: 1 as const, nl: false, rap: false, rh: 0 },
  ];
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions });
  expect(await client.next()).toMatchObject({ cmd: 'disconnect' });
  await client.closed;
});
