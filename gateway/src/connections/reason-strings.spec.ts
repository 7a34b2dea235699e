import { expect, it } from '@jest/globals';
import { givenGateway } from '../testing/given-gateway.js';
import { PacketClient } from '../testing/packet-client.js';
import { sentence } from './answers.js';

it.each([
  ['devices/pump-8/telemetry', '{"n":1}', 'A device may publish below devices/pump-7/ only.'],
  [
    'devices/pump-7/temperature',
    '71',
    'The gateway has no use for this topic: below devices/pump-7/ publish to telemetry, telemetry/senml, telemetry/cbor, telemetry/senml-cbor, events/{type} or responses/{commandId}.',
  ],
  ['devices/pump-7/telemetry', '', 'The payload is empty: send one JSON object, or an array of them.'],
  ['devices/pump-7/events/overheated', '{"state":"on"}', '"state" must be raised, cleared or info.'],
])(
  'who publishes to %s what is not taken (%j) is told what to do, in a sentence',
  async (topic, payload, says) => {
    const { gateway } = await givenGateway();
    const client = await PacketClient.open(gateway.port, { protocolVersion: 5 });
    await client.next();
    client.send({ cmd: 'publish', topic, payload, qos: 1, messageId: 1, dup: false, retain: false });
    expect(await client.next()).toMatchObject({ cmd: 'puback', properties: { reasonString: says } });
    client.destroy();
  },
);

it('a sentence begins with a capital and ends with one full stop', () => {
  expect(['the log does not answer', 'It is one.', '"n" is none'].map(sentence)).toEqual([
    'The log does not answer.',
    'It is one.',
    '"n" is none.',
  ]);
});
