import { expect, it } from '@jest/globals';
import { encode, writeAcknowledgement } from './encoder.js';
import { PacketType, type Packet, type ProtocolVersion } from './packet.js';
import { NO_PROPERTIES } from './properties.js';
import { hex } from './testing/decoding.js';

const properties = NO_PROPERTIES;
const topicBytes = Buffer.from('a/b');
const publish = {
  type: PacketType.publish,
  dup: false,
  qos: 1,
  retain: true,
  packetId: 10,
  topic: 'a/b',
  topicBytes,
  payload: Buffer.from('x'),
  properties,
} as const;
const connect = {
  type: PacketType.connect,
  version: 4,
  clean: true,
  keepAlive: 10,
  clientId: 'p',
  will: undefined,
  username: undefined,
  password: undefined,
  properties,
} as const;
const will = {
  topic: 'w',
  payload: Buffer.from('x'),
  qos: 1,
  retain: true,
  properties: { willDelayInterval: 3 },
} as const;

it.each<[string, Packet, ProtocolVersion, string]>([
  ['CONNECT of MQTT 3.1', { ...connect, version: 3 }, 3, '10 0F 0006 4D5149736470 03 02 000A 0001 70'],
  ['CONNECT', connect, 4, '10 0D 0004 4D515454 04 02 000A 0001 70'],
  [
    'CONNECT with all it may have',
    {
      ...connect,
      version: 5,
      clean: false,
      will,
      username: 'u',
      password: Buffer.from('s'),
      properties: { receiveMaximum: 20 },
    },
    5,
    '10 23 0004 4D515454 05 EC 000A 03 21 0014 0001 70 05 18 00000003 0001 77 0001 78 0001 75 0001 73',
  ],
  ['CONNACK', { type: 2, sessionPresent: true, reasonCode: 0, properties }, 4, '20 02 01 00'],
  ['CONNACK of MQTT 3.1', { type: 2, sessionPresent: true, reasonCode: 0, properties }, 3, '20 02 00 00'],
  [
    'CONNACK of MQTT 5',
    { type: 2, sessionPresent: false, reasonCode: 0x87, properties },
    5,
    '20 03 00 87 00',
  ],
  ['PUBLISH', publish, 4, '33 08 0003 612F62 000A 78'],
  [
    'PUBLISH of MQTT 5',
    { ...publish, properties: { topicAlias: 1 } },
    5,
    '33 0C 0003 612F62 000A 03 23 0001 78',
  ],
  [
    'PUBLISH without properties for an older version',
    { ...publish, properties: { topicAlias: 1 } },
    4,
    '33 08 0003 612F62 000A 78',
  ],
  [
    'PUBLISH without what belongs to a will',
    { ...publish, properties: { willDelayInterval: 5 } },
    5,
    '33 09 0003 612F62 000A 00 78',
  ],
  [
    'PUBLISH with QoS 0',
    { ...publish, qos: 0, retain: false, packetId: undefined },
    4,
    '30 06 0003 612F62 78',
  ],
  ['PUBACK', { type: 4, packetId: 10, reasonCode: 0, properties }, 5, '40 02 000A'],
  ['PUBACK with a reason', { type: 4, packetId: 10, reasonCode: 0x10, properties }, 5, '40 03 000A 10'],
  [
    'PUBACK with a reason for an older version',
    { type: 4, packetId: 10, reasonCode: 0x10, properties },
    4,
    '40 02 000A',
  ],
  [
    'PUBREL',
    { type: 6, packetId: 10, reasonCode: 0, properties: { reasonString: 'x' } },
    5,
    '62 08 000A 00 04 1F 0001 78',
  ],
  ['PUBREL with a reason', { type: 6, packetId: 10, reasonCode: 0x92, properties }, 5, '62 03 000A 92'],
  [
    'SUBSCRIBE',
    {
      type: 8,
      packetId: 10,
      subscriptions: [{ filter: '#', qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 }],
      properties: { subscriptionIdentifiers: [16_383] },
    },
    5,
    '82 0A 000A 03 0B FF7F 0001 23 2E',
  ],
  [
    'SUBSCRIBE for an older version',
    {
      type: 8,
      packetId: 10,
      subscriptions: [{ filter: '#', qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 }],
      properties,
    },
    4,
    '82 06 000A 0001 23 02',
  ],
  ['SUBACK', { type: 9, packetId: 10, reasonCodes: [1, 0x87], properties }, 5, '90 05 000A 00 01 87'],
  [
    'SUBACK for an older version',
    { type: 9, packetId: 10, reasonCodes: [1, 0x87], properties },
    4,
    '90 04 000A 01 80',
  ],
  [
    'UNSUBSCRIBE',
    { type: 10, packetId: 10, filters: ['a', 'b'], properties },
    4,
    'A2 08 000A 0001 61 0001 62',
  ],
  ['UNSUBACK', { type: 11, packetId: 10, reasonCodes: [0x11], properties }, 5, 'B0 04 000A 00 11'],
  [
    'UNSUBACK for an older version',
    { type: 11, packetId: 10, reasonCodes: [0x11], properties },
    4,
    'B0 02 000A',
  ],
  ['PINGREQ', { type: 12 }, 4, 'C0 00'],
  ['PINGRESP', { type: 13 }, 5, 'D0 00'],
  ['DISCONNECT', { type: 14, reasonCode: 0, properties }, 5, 'E0 00'],
  ['DISCONNECT with a reason', { type: 14, reasonCode: 0x8e, properties }, 5, 'E0 01 8E'],
  ['DISCONNECT for an older version', { type: 14, reasonCode: 0x8e, properties }, 4, 'E0 00'],
  [
    'AUTH',
    { type: 15, reasonCode: 0x18, properties: { authenticationMethod: 'm' } },
    5,
    'F0 06 18 04 15 0001 6D',
  ],
  [
    'user properties in their order and behind the others',
    {
      type: 14,
      reasonCode: 0,
      properties: {
        userProperties: [
          ['b', ''],
          ['a', ''],
        ],
        reasonString: 'x',
      },
    },
    5,
    'E0 12 00 10 1F 0001 78 26 0001 62 0000 26 0001 61 0000',
  ],
])('encodes %s', (_, packet, version, expected) => {
  expect(encode(packet, version).toString('hex')).toBe(hex(expected).toString('hex'));
});

it('leaves out what only the other side says: Subscription Identifiers, Session Expiry Interval and Server Reference', () => {
  const message = { ...publish, properties: { subscriptionIdentifiers: [5], contentType: 'c' } };
  expect(encode(message, 5, 'server')).toEqual(hex('33 0F 0003 612F62 000A 06 03 0001 63 0B05 78'));
  expect(encode(message, 5, 'client')).toEqual(hex('33 0D 0003 612F62 000A 04 03 0001 63 78'));
  const goodbye = {
    type: PacketType.disconnect,
    reasonCode: 0x98,
    properties: { sessionExpiryInterval: 5, serverReference: 's' },
  } as const;
  expect(encode(goodbye, 5, 'server')).toEqual(hex('E0 06 98 04 1C 0001 73'));
  expect(encode(goodbye, 5)).toEqual(encode(goodbye, 5, 'server')); // who encodes is a server, if nothing else is said
  expect(encode(goodbye, 5, 'client')).toEqual(hex('E0 07 98 05 11 00000005'));
});

it.each([
  ['127', 127, '7f'],
  ['128', 128, '8001'],
  ['16383', 16_383, 'ff7f'],
  ['16384', 16_384, '808001'],
  ['2097151', 2_097_151, 'ffff7f'],
  ['2097152', 2_097_152, '80808001'],
])('encodes the remaining length %s as in table 1-1', (_, length, expected) => {
  const bytes = encode({ ...publish, qos: 0, packetId: undefined, payload: Buffer.alloc(length - 5) }, 4);
  expect(bytes.subarray(1, 1 + expected.length / 2).toString('hex')).toBe(expected);
  expect(bytes).toHaveLength(1 + expected.length / 2 + length);
});

it.each<[string, Packet, ProtocolVersion]>([
  ['a string too long', { ...connect, clientId: 'ä'.repeat(32_768) }, 4],
  ['a topic too long', { ...publish, topicBytes: Buffer.alloc(65_536) }, 4],
  [
    'a user property too long',
    { ...publish, properties: { userProperties: [['a', 'x'.repeat(65_536)]] } },
    5,
  ],
  ['a QoS without a packet id', { ...publish, packetId: undefined }, 4],
  ['a packet id that has no place', { ...publish, packetId: 65_536 }, 4],
  [
    'a subscription identifier too large',
    { ...publish, properties: { subscriptionIdentifiers: [268_435_456] } },
    5,
  ],
  ['AUTH before MQTT 5', { type: 15, reasonCode: 0, properties }, 4],
])('throws a RangeError for %s', (_, packet, version) => {
  expect(() => encode(packet, version)).toThrow(expect.objectContaining({ name: 'RangeError' })); // node:buffer has its own in jest
});

it('writes acknowledgements one behind the other', () => {
  const target = Buffer.alloc(18, 0xff);
  let at = 1;
  for (const type of [PacketType.puback, PacketType.pubrec, PacketType.pubrel, PacketType.pubcomp] as const) {
    at = writeAcknowledgement(target, at, type, 0x1234);
  }
  expect(at).toBe(17);
  expect(target.toString('hex')).toBe('ff40021234500212346202123470021234ff');
});
