import { expect, it } from '@jest/globals';
import { PacketType } from '../codec/packet.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { anOpenConnection, type GivenConnection } from '../testing/given-connection.js';
import { anUnsubscribe, aSubscribe } from '../testing/packets.js';
import { turns } from '../testing/test-client.js';

const { success, grantedQos1, noSubscriptionExisted, receiveMaximumExceeded } = ReasonCode;
const sessionTakenOver = ReasonCode.sessionTakenOver;

/** One that has asked for two filters as 1, and given two back as 2. */
async function asked(): Promise<GivenConnection> {
  const given = await anOpenConnection();
  given.client.send(aSubscribe([{ filter: 'a' }, { filter: 'b' }]), anUnsubscribe(['a', 'b'], 2));
  await turns();
  return given;
}

it.each<[string, (given: GivenConnection) => void, string]>([
  [
    'a SUBACK with too few codes',
    ({ connection }) => connection.suback(1, [success]),
    'SUBACK 1 has 1 reason codes, and was asked for 2 [MQTT-3.8.4-6]',
  ],
  [
    'an UNSUBACK with too many codes',
    ({ connection }) => connection.unsuback(2, [success, success, success]),
    'UNSUBACK 2 has 3 reason codes, and was asked for 2 [MQTT-3.11.3-1]',
  ],
  [
    'a SUBACK with a code that it has not',
    ({ connection }) => connection.suback(1, [success, receiveMaximumExceeded]),
    'SUBACK 1 has reason code 0x93, which is none of SUBACK [MQTT-3.9.3-2]',
  ],
  [
    'a SUBACK with a code of UNSUBACK',
    ({ connection }) => connection.suback(1, [success, noSubscriptionExisted]),
    'SUBACK 1 has reason code 0x11, which is none of SUBACK [MQTT-3.9.3-2]',
  ],
  [
    'an UNSUBACK with a code that it has not',
    ({ connection }) => connection.unsuback(2, [sessionTakenOver, success]),
    'UNSUBACK 2 has reason code 0x8e, which is none of UNSUBACK [MQTT-3.11.3-2]',
  ],
])('throws on %s, and sends nothing', async (_, answer, message) => {
  const given = await asked();
  expect(() => answer(given)).toThrow(new RangeError(message));
  expect(await given.client.all()).toEqual([]);
  given.connection.suback(1, [success, grantedQos1]);
  given.connection.unsuback(2, [success, noSubscriptionExisted]);
  expect(await given.client.all()).toMatchObject([
    { type: PacketType.suback, reasonCodes: [success, grantedQos1] },
    { type: PacketType.unsuback, reasonCodes: [success, noSubscriptionExisted] },
  ]);
});

it('ignores an answer that nothing waits for', async () => {
  const given = await asked();
  given.connection.suback(77, []);
  given.connection.suback(2, [success, success]); // 2 is an UNSUBSCRIBE
  given.connection.suback(1, [success, success]);
  given.connection.suback(1, [success, success]);
  expect(await given.client.all()).toMatchObject([{ type: PacketType.suback, packetId: 1 }]);
});

it('does not throw because a client asks twice under one id', async () => {
  const given = await anOpenConnection();
  given.client.send(aSubscribe('a'), aSubscribe([{ filter: 'b' }, { filter: 'c' }]));
  await turns();
  given.connection.suback(1, [success, success]);
  given.connection.suback(1, [success]);
  expect(await given.client.all()).toMatchObject([
    { reasonCodes: [success, success] },
    { reasonCodes: [success] },
  ]);
});
