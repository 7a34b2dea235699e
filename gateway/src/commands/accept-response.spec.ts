import { expect, it } from '@jest/globals';
import type { Packet } from 'mqtt-packet';
import { requestCommand } from '../testing/given-command.js';
import { givenGateway } from '../testing/given-gateway.js';
import { logHolds } from '../testing/log-holds.js';
import { PacketClient } from '../testing/packet-client.js';
import { recordsOf } from '../testing/test-gateway.js';

async function answered(payload: string): Promise<{ readonly puback: Packet; readonly body: unknown }> {
  const { log, gateway } = await givenGateway();
  const client = await PacketClient.open(gateway.port);
  await client.next();
  await requestCommand(log);
  await logHolds(log, 'fieldgate.commands.v1', '"undeliverable"'); // nobody has subscribed, and a late answer counts
  const topic = 'devices/pump-7/responses/c-1/200';
  client.send({ cmd: 'publish', topic, payload, qos: 1, messageId: 1, dup: false, retain: false });
  const puback = await client.next();
  const [record] = (await recordsOf(log, 'fieldgate.commands.v1')).slice(-1);
  client.destroy();
  return { puback, body: (record?.json['data'] as { readonly body?: unknown } | undefined)?.body };
}

it.each([
  ['an object', '{"rpm":[1,2]}', { encoding: 'json', json: { rpm: [1, 2] } }],
  ['no JSON', 'done', { encoding: 'text', text: 'done' }],
  [
    'JSON with a number that JSON cannot carry on',
    '{"rpm":1e400}',
    { encoding: 'text', text: '{"rpm":1e400}' },
  ],
])('an answer that is %s is kept as what it is', async (_, payload, body) => {
  expect(await answered(payload)).toMatchObject({ puback: { cmd: 'puback' }, body });
});

it.each([65, 32_768])('an answer nested %i levels deep is kept as text', async (levels) => {
  const text = '['.repeat(levels) + ']'.repeat(levels);
  expect(await answered(text)).toMatchObject({
    puback: { cmd: 'puback' },
    body: { encoding: 'text', text },
  });
});
