import { expect, it } from '@jest/globals';
import { device, givenGateway } from '../testing/given-gateway.js';
import { PacketClient } from '../testing/packet-client.js';
import { recordsOf } from '../testing/test-gateway.js';

const TOPIC = Buffer.from('devices/pump-7/telemetry');
const V5 = { protocolVersion: 5 as const };

function publish(properties: readonly number[]): Buffer {
  const body = Buffer.concat([
    Buffer.from([0, TOPIC.length]),
    TOPIC,
    Buffer.from([0, 1, properties.length, ...properties]),
    Buffer.from('{"a":1}'),
  ]);
  return Buffer.concat([Buffer.from([0x32, body.length]), body]);
}

it.each([
  ['a PUBLISH whose Response Topic is cut off', publish([0x08, 0xff, 0xff, 0x61])],
  ['a PUBLISH whose Content Type is cut off', publish([0x03, 0xff, 0xff, 0x61])],
  ['a PUBLISH whose Response Topic comes twice', publish([0x08, 0, 1, 0x61, 0x08, 0, 1, 0x62])],
  [
    'a DISCONNECT whose Session Expiry Interval comes twice',
    Buffer.from([0xe0, 12, 0, 10, 0x11, 0, 0, 0, 9, 0x11, 0, 0, 0, 9]),
  ],
])('%s closes its connection, stores nothing, and the process goes on', async (_name, bytes) => {
  const { log, gateway } = await givenGateway();
  const hostile = await PacketClient.open(gateway.port, V5);
  expect(await hostile.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
  hostile.socket.write(bytes);
  await hostile.closed;
  expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(0);
  const client = await device(gateway);
  await client.publishAsync('devices/pump-7/telemetry', '{"a":1}', { qos: 1 });
});
