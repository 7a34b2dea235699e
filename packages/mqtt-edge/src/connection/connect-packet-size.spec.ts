import { expect, it } from '@jest/globals';
import { encode } from '../codec/encoder.js';
import { PacketType } from '../codec/packet.js';
import { GivenConnection } from '../testing/given-connection.js';
import { aConnect, aPublish } from '../testing/packets.js';

const limits = { connectPacketSize: 100, maximumPacketSize: 1_000 };

it('refuses a CONNECT by its length that is larger than a stranger may send', async () => {
  const given = new GivenConnection({ limits });
  given.client.send(encode(aConnect({ clientId: 'x'.repeat(200) }), 5).subarray(0, 5));
  expect(await given.client.next()).toBe('closed');
  expect([given.connects, given.connection.endedBecause]).toEqual([[], 'protocol-error']);
});

it('takes as much as it says in the CONNACK from who was let in, also of what came with the CONNECT', async () => {
  const given = new GivenConnection({ limits, accepts: false });
  const payload = Buffer.alloc(500);
  given.client.send(aConnect(), aPublish({ payload }));
  expect(await given.client.all()).toEqual([]);
  given.accept();
  const connack = await given.client.take(PacketType.connack);
  expect(connack).toMatchObject({ properties: { maximumPacketSize: 1_000 } });
  given.client.send(aPublish({ payload }));
  await given.client.all();
  expect(given.arrived.map(({ message }) => message.payload.length)).toEqual([500, 500]);
});

it('bounds a CONNECT by the size of all packets where that is the smaller one', async () => {
  const given = new GivenConnection({ limits: { connectPacketSize: 1_000, maximumPacketSize: 100 } });
  given.client.send(encode(aConnect({ clientId: 'x'.repeat(200) }), 5).subarray(0, 5));
  expect(await given.client.next()).toBe('closed');
});
