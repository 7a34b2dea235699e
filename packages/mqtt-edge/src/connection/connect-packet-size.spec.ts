import { expect, it } from '@jest/globals';
import { encode } from '../codec/encoder.js';
import { PacketType } from '../codec/packet.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { GivenConnection } from '../testing/given-connection.js';
import { aConnect, aPublish } from '../testing/packets.js';

const limits = { connectPacketSize: 100, maximumPacketSize: 1_000 };

it('refuses a CONNECT that is larger than a stranger may send, and names the limit in the CONNACK of MQTT 5', async () => {
  const given = new GivenConnection({ limits });
  const bytes = encode(aConnect({ clientId: 'x'.repeat(200) }), 5);
  given.client.send(bytes.subarray(0, 9)); // its version is still to come
  expect(await given.client.all()).toEqual([]);
  given.client.send(bytes.subarray(9, 10));
  expect(await given.client.take(PacketType.connack)).toMatchObject({
    sessionPresent: false,
    reasonCode: ReasonCode.packetTooLarge,
    properties: { reasonString: `CONNECT of ${bytes.length} bytes is larger than 100 [3.2.2.2]` },
  });
  expect(await given.client.next()).toBe('closed');
  expect([given.connects, given.connection.endedBecause]).toEqual([[], 'protocol-error']);
});

it.each([
  ['of MQTT 3.1.1', 4],
  ['of MQTT 3.1', 3],
] as const)('closes without a word on a CONNECT %s that is too large', async (_, version) => {
  const given = new GivenConnection({ version, limits });
  given.client.send(encode(aConnect({ version, clientId: 'x'.repeat(200) }), version));
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
  given.client.send(encode(aConnect({ clientId: 'x'.repeat(200) }), 5));
  const { properties } = await given.client.take(PacketType.connack);
  expect(properties.reasonString).toContain('larger than 100');
});
