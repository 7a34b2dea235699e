import { expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect } from 'node:net';
import { device, givenGateway } from '../testing/given-gateway.js';
import { recordsOf } from '../testing/test-gateway.js';
import { CONNECT_PACKET_BYTES } from './connect-packet-bytes.js';

it('refuses a CONNECT that is larger than any device’s by its first bytes, and takes larger messages of who is in', async () => {
  const { gateway, log } = await givenGateway();
  const stranger = connect(gateway.port, '127.0.0.1');
  const length = lengthOf(CONNECT_PACKET_BYTES - 3); // one byte more, with the header
  stranger.write(Buffer.concat([Buffer.from([0x10]), length, Buffer.from('\0\x04MQTT\x05')]));
  const [connack] = (await once(stranger, 'data')) as [Buffer];
  expect([connack[0], connack[3]]).toEqual([0x20, 0x95]);
  expect(connack.toString()).toContain(`larger than ${CONNECT_PACKET_BYTES}`);
  stranger.resume();
  await once(stranger, 'close');
  const client = await device(gateway);
  const payload = JSON.stringify({ state: 'info', details: { text: 'x'.repeat(60_000) } });
  await client.publishAsync('devices/pump-7/events/note', payload, { qos: 1 });
  const [stored] = (await recordsOf(log, 'fieldgate.events.v1')).slice(-1);
  expect(JSON.stringify(stored?.json)).toContain('x'.repeat(60_000));
});

/** Three bytes, as MQTT writes a length of more than 16,383. */
function lengthOf(length: number): Buffer {
  return Buffer.from([(length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14]);
}
