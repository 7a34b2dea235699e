import { describe, expect, it } from '@jest/globals';
import type { MemoryLog } from '@fieldgate/commit-log/testing';
import type { IPublishPacket, ISubscribePacket, Packet } from 'mqtt-packet';
import { requestCommand } from '../testing/given-command.js';
import { givenGateway } from '../testing/given-gateway.js';
import { logHolds } from '../testing/log-holds.js';
import { PacketClient } from '../testing/packet-client.js';
import { recordsOf, type TestGateway } from '../testing/test-gateway.js';
import { commandQos } from './deliver-commands.js';

const FIVE = { protocolVersion: 5, clean: false, properties: { sessionExpiryInterval: 3_600 } } as const;
const FOUR = { protocolVersion: 4, clean: false } as const;

async function open(gateway: TestGateway, version: typeof FIVE | typeof FOUR): Promise<PacketClient> {
  const client = await PacketClient.open(gateway.port, version);
  expect(await client.next()).toMatchObject({ cmd: 'connack' });
  return client;
}

async function subscribe(
  client: PacketClient,
  filter: string,
  subscriptionIdentifier?: number,
): Promise<void> {
  const packet: ISubscribePacket = {
    cmd: 'subscribe',
    messageId: 1,
    subscriptions: [{ topic: filter, qos: 1, nl: false, rap: false, rh: 0 }],
    ...(subscriptionIdentifier === undefined ? {} : { properties: { subscriptionIdentifier } }),
  };
  client.send(packet);
  expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [1] });
}

async function command(log: MemoryLog, client: PacketClient, commandId?: string): Promise<IPublishPacket> {
  await requestCommand(log, commandId);
  const packet: Packet = await client.next();
  if (packet.cmd !== 'publish') throw new Error(`expected a command, got ${packet.cmd}`);
  return packet;
}

const identifiersIn = ({ properties }: IPublishPacket) => properties?.subscriptionIdentifier;

describe('a command', () => {
  it('carries the Subscription Identifier of the subscription that it comes by ([MQTT-3.3.4-3])', async () => {
    const { log, gateway } = await givenGateway();
    const client = await open(gateway, FIVE);
    await subscribe(client, 'devices/pump-7/commands/#', 7);
    expect(identifiersIn(await command(log, client))).toBe(7);
    client.destroy();
  });

  it('comes once, with the identifiers of all subscriptions that match ([MQTT-3.3.4-4])', async () => {
    const { log, gateway } = await givenGateway();
    const client = await open(gateway, FIVE);
    await subscribe(client, 'devices/pump-7/commands/#', 7);
    await subscribe(client, 'devices/pump-7/commands/+/set-speed', 300_000);
    await subscribe(client, 'devices/pump-7/#');
    await subscribe(client, 'devices/pump-7/commands/+/stop', 9); // does not match
    expect(identifiersIn(await command(log, client))).toEqual([7, 300_000]);
    client.send({ cmd: 'puback', messageId: 1 });
    expect(await command(log, client, 'c-2')).toMatchObject({
      topic: 'devices/pump-7/commands/c-2/set-speed',
    });
    client.destroy();
  });

  it('carries none after a SUBSCRIBE without one ([MQTT-3.8.4-3])', async () => {
    const { log, gateway } = await givenGateway();
    const client = await open(gateway, FIVE);
    await subscribe(client, 'devices/pump-7/commands/#', 7);
    await subscribe(client, 'devices/pump-7/commands/#');
    expect(identifiersIn(await command(log, client))).toBeUndefined();
    client.destroy();
  });

  it('carries the identifier of a session that was resumed', async () => {
    const { log, gateway } = await givenGateway();
    const first = await open(gateway, FIVE);
    await subscribe(first, 'devices/pump-7/commands/#', 7);
    first.destroy();
    const second = await open(gateway, FIVE);
    expect(identifiersIn(await command(log, second))).toBe(7);
    second.destroy();
  });

  it('carries no properties in MQTT 3.1.1, also where the subscription was made in MQTT 5', async () => {
    const { log, gateway } = await givenGateway();
    const first = await open(gateway, FIVE);
    await subscribe(first, 'devices/pump-7/commands/#', 7);
    first.destroy();
    const second = await open(gateway, FOUR);
    expect(await command(log, second)).toMatchObject({
      topic: 'devices/pump-7/commands/c-1/set-speed',
      payload: Buffer.from('{"rpm":1200}'),
    });
    second.destroy();
  });

  it('is undeliverable after UNSUBSCRIBE', async () => {
    const { log, gateway } = await givenGateway();
    const client = await open(gateway, FIVE);
    await subscribe(client, 'devices/pump-7/commands/#', 7);
    client.send({
      cmd: 'unsubscribe',
      messageId: 2,
      unsubscriptions: ['devices/pump-7/commands/#', 'devices/other/#'],
    });
    expect(await client.next()).toMatchObject({ cmd: 'unsuback', messageId: 2, granted: [0, 0x11] });
    await requestCommand(log);
    await logHolds(log, 'fieldgate.commands.v1', '"undeliverable"');
    const steps = await recordsOf(log, 'fieldgate.commands.v1');
    expect(steps.map(({ json }) => (json['data'] as { step: string }).step)).toEqual([
      'requested',
      'undeliverable',
    ]);
    client.destroy();
  });
});

it.each([
  ['none that matches', [['devices/pump-7/commands/+/stop', 1]], undefined],
  ['one of QoS 0', [['devices/pump-7/commands/#', 0]], 0],
  ['one of QoS 2', [['devices/pump-7/commands/#', 2]], 1],
  [
    'several',
    [
      ['devices/pump-7/commands/#', 0],
      ['devices/pump-7/#', 1],
    ],
    1,
  ],
] as const)(
  'a command has the best QoS of the subscriptions that match, and at most 1: %s',
  (_, filters, qos) => {
    const subscriptions = filters.map(([filter, granted]) => ({ filter, qos: granted }));
    expect(commandQos({ subscriptions }, { deviceId: 'pump-7', id: 'c-1', name: 'set-speed' })).toBe(qos);
  },
);
