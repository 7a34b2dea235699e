import { expect, it } from '@jest/globals';
import type { IPublishPacket } from 'mqtt-packet';
import { requestCommand } from '../testing/given-command.js';
import { givenGateway, SECRET } from '../testing/given-gateway.js';
import { logHolds } from '../testing/log-holds.js';
import { PacketClient } from '../testing/packet-client.js';
import { recordsOf, register } from '../testing/test-gateway.js';

/** What the device is told, the code of the dead letter, and the steps of the command `c-1` to `pump-7`. */
async function answered(
  deviceId: string,
  { commandId = 'c-1', ...properties }: IPublishPacket['properties'] & { commandId?: string },
) {
  const { log, gateway } = await givenGateway();
  await register(log, 'pump-8', SECRET);
  const client = await PacketClient.open(gateway.port, {
    protocolVersion: 5,
    clientId: deviceId,
    username: deviceId,
  });
  await client.next();
  await requestCommand(log);
  if (deviceId === 'pump-7') await logHolds(log, 'fieldgate.commands.v1', '"undeliverable"'); // a late answer counts
  const topic = `devices/${deviceId}/responses/${commandId}`;
  client.send({
    cmd: 'publish',
    topic,
    payload: '{"rpm":1}',
    properties,
    qos: 1,
    messageId: 1,
    dup: false,
    retain: false,
  });
  const puback = await client.next();
  client.destroy();
  const of = async <T>(name: 'commands' | 'dead-letters', member: string): Promise<readonly T[]> =>
    (await recordsOf(log, `fieldgate.${name}.v1`)).map(
      ({ json }) => (json['data'] as Record<string, T>)[member] as T, // as the gateway writes them
    );
  return {
    puback,
    refused: await of<string>('dead-letters', 'code'),
    steps: (await of<string>('commands', 'step')).filter((step) => step === 'succeeded'),
  };
}

it.each([
  [
    'with the correlation data of another command',
    'pump-7',
    { correlationData: Buffer.from('c-2') },
    'response-shape',
  ],
  ['with a status that is none', 'pump-7', { userProperties: { status: '99' } }, 'response-shape'],
  ['of another device', 'pump-8', { correlationData: Buffer.from('c-1') }, 'response-wrong-device'],
  ['to a command that nobody gave', 'pump-7', { commandId: 'c-9' }, 'response-unknown-command'],
])('an answer %s is refused and does not count', async (_, deviceId, properties, code) => {
  const { puback, refused, steps } = await answered(deviceId, properties);
  expect(puback).toMatchObject({ cmd: 'puback', reasonCode: 0x99 });
  expect([refused, steps]).toEqual([[code], []]);
});

it('an answer with the correlation data of its command counts', async () => {
  const { puback, refused, steps } = await answered('pump-7', { correlationData: Buffer.from('c-1') });
  expect(puback).toMatchObject({ cmd: 'puback', reasonCode: 0 });
  expect([refused, steps]).toEqual([[], ['succeeded']]);
});
