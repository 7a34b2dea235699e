import { expect, it } from '@jest/globals';
import { InboundPublish } from './inbound-publish.js';
import { NO_PROPERTIES } from './properties.js';
import { decodeChunks, decodeOne, framed, hex, refusal } from './testing/decoding.js';
import { Decoder } from './decoder.js';

const V4 = { version: 4 } as const;
const V5 = { version: 5 } as const;

it('reads topic, packet id and payload', () => {
  expect(decodeOne('3B 10 0005 746F706963 1234 7061796C6F6164', V4)).toEqual({
    type: 3,
    dup: true,
    qos: 1,
    retain: true,
    packetId: 0x1234,
    topic: 'topic',
    topicBytes: Buffer.from('topic'),
    payload: Buffer.from('payload'),
    properties: NO_PROPERTIES,
  });
});

it('has no packet id with QoS 0, and may have no payload', () => {
  expect(decodeOne('30 07 0005 746F706963', V4)).toMatchObject({
    packetId: undefined,
    payload: Buffer.alloc(0),
  });
});

it('shares one object among all packets without properties', () => {
  const decoder = new Decoder({ role: 'server', maximumPacketSize: 100, ...V5 });
  decoder.write(hex('30 08 0005 746F706963 00'));
  const packet = decoder.read();
  expect(packet instanceof InboundPublish && packet.properties).toBe(NO_PROPERTIES);
  expect(packet instanceof InboundPublish && [packet.payloadText(), packet.payloadLength]).toEqual(['', 0]);
});

it('tells topics apart that follow one another, also those of one length and one ending', () => {
  const topics = [
    'a/temperature',
    'a/temperature',
    'b/temperature',
    'a/temperature',
    'ä/x',
    'x'.repeat(300),
    'a/temperature',
  ];
  const bytes = Buffer.concat(
    topics.map((topic) => {
      const text = Buffer.from(topic);
      const length = Buffer.from([text.length >> 8, text.length & 0xff]);
      const rest = 2 + text.length;
      const header = rest > 127 ? [0x30, (rest & 0x7f) | 0x80, rest >> 7] : [0x30, rest];
      return Buffer.concat([Buffer.from(header), length, text]);
    }),
  );
  expect(decodeChunks([bytes], V4).map((packet) => 'topic' in packet && packet.topic)).toEqual(topics);
});

it('reads every property of MQTT 5, user properties in their order', () => {
  expect(
    decodeOne(
      framed(
        '30',
        '0001 74 2C 01 01 02 0000000A 03 0001 6A 08 0001 72 09 0002 FF00 23 0007 26 0001 62 0001 31 26 0001 61 0001 32 26 0001 62 0001 33 78',
      ),
      V5,
    ),
  ).toMatchObject({
    properties: {
      payloadFormatIndicator: 1,
      messageExpiryInterval: 10,
      contentType: 'j',
      responseTopic: 'r',
      correlationData: Buffer.from([0xff, 0x00]),
      topicAlias: 7,
      userProperties: [
        ['b', '1'],
        ['a', '2'],
        ['b', '3'],
      ],
    },
    payload: Buffer.from('x'),
  });
});

it('takes an empty topic with an alias', () => {
  expect(decodeOne('30 06 0000 03 23 0001', V5)).toMatchObject({ topic: '', properties: { topicAlias: 1 } });
});

it('a client may get several subscription identifiers, a server none', () => {
  const bytes = '30 08 0001 74 04 0B01 0B02';
  expect(decodeOne(bytes, { ...V5, role: 'client' })).toMatchObject({
    properties: { subscriptionIdentifiers: [1, 2] },
  });
  expect(refusal(bytes, V5)).toBe('0x82 MQTT-3.3.4-6');
});

it.each([
  ['QoS 3', '36 10 0005 746F706963 1234 7061796C6F6164', '0x81 MQTT-3.3.1-4'],
  ['DUP with QoS 0', '38 07 0005 746F706963', '0x81 MQTT-3.3.1-2'],
  ['packet id 0', '32 09 0005 746F706963 0000', '0x82 MQTT-2.2.1-3'],
  ['half a packet id', '32 08 0005 746F706963 12', '0x81 1.5'],
  ['nothing at all', '30 00', '0x81 1.5'],
  ['a topic beyond the packet', '30 03 0005 74', '0x81 1.5'],
  ['+ in the topic', '30 07 0005 2B6F706963', '0x81 MQTT-3.3.2-2'],
  ['# in the topic', '30 07 0005 236F706963', '0x81 MQTT-3.3.2-2'],
  ['a surrogate in the topic', '30 07 0005 746FEDA080', '0x81 MQTT-1.5.4-1'],
  ['U+009F in the topic', '30 07 0005 746FC29F70', '0x81 1.5.4'],
])('refuses %s', (_, bytes, expected) => {
  expect(refusal(bytes, V4)).toBe(expected);
});

it.each([
  ['an empty topic without an alias', '30 03 0000 00', '0x82 3.3.2.1'],
  ['topic alias 0', '30 07 0001 74 03 23 0000', '0x82 3.3.2.3.4'],
  ['no property length', '30 03 0001 74', '0x81 1.5'],
  ['a property list beyond the packet', '30 04 0001 74 01', '0x81 2.2.2.1'],
  ['a property that reaches beyond its list', '30 07 0001 74 02 23 0001', '0x81 1.5'],
  ['an indicator of 2', '30 06 0001 74 02 01 02', '0x82 3.3.2.3.2'],
  ['an expiry twice', '30 0E 0001 74 0A 02 00000001 02 00000001', '0x82 3.3.2.3.3'],
  ['a property of CONNACK', '30 06 0001 74 02 24 01', '0x82 2.2.2.2'],
  ['an unknown property', '30 06 0001 74 02 04 01', '0x81 2.2.2.2'],
  ['an identifier in two bytes', '30 07 0001 74 03 81 00 01', '0x81 MQTT-1.5.5-1'],
  ['a wildcard in the response topic', '30 08 0001 74 04 08 0001 2B', '0x81 MQTT-3.3.2-2'],
  ['an empty response topic', '30 07 0001 74 03 08 0000', '0x81 MQTT-4.7.3-1'],
  ['a response topic cut off', '30 07 0001 74 03 08 0005', '0x81 1.5'],
  ['U+0000 in a user property', '30 0A 0001 74 06 26 0001 00 0000', '0x81 MQTT-1.5.4-1'],
  ['what cannot be parsed before what is forbidden', '30 08 0001 74 04 24 01 04 01', '0x81 2.2.2.2'],
])('refuses in MQTT 5 %s', (_, bytes, expected) => {
  expect(refusal(bytes, V5)).toBe(expected);
});

it('takes control characters in what names nothing', () => {
  expect(decodeOne('30 0A 0001 74 06 26 0001 01 0000', V5)).toMatchObject({
    properties: { userProperties: [['\u0001', '']] },
  });
});
