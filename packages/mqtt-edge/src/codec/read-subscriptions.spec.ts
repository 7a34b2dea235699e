import { expect, it } from '@jest/globals';
import { decodeOne, refusal } from './testing/decoding.js';

const V3 = { version: 3 } as const;
const V4 = { version: 4 } as const;
const V5 = { version: 5 } as const;
const CLIENT = { ...V5, role: 'client' } as const;

it('reads the example of 3.8.3: two filters with their QoS', () => {
  expect(decodeOne('82 0E 000A 0003 612F62 01 0003 632F64 02', V4)).toEqual({
    type: 8,
    packetId: 10,
    subscriptions: [
      { filter: 'a/b', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
      { filter: 'c/d', qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    ],
    properties: {},
  });
});

it('reads the options of MQTT 5 and the subscription identifier', () => {
  expect(decodeOne('82 0A 000A 03 0B FF7F 0001 61 2E', V5)).toMatchObject({
    subscriptions: [{ qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 2 }],
    properties: { subscriptionIdentifiers: [16_383] },
  });
});

it('reads UNSUBSCRIBE', () => {
  expect(decodeOne('A2 08 000A 0001 61 0001 62', V4)).toMatchObject({ packetId: 10, filters: ['a', 'b'] });
});

it('lets MQTT 3.1 repeat with DUP', () => {
  expect(decodeOne('8A 06 000A 0001 61 01', V3)).toMatchObject({ packetId: 10 });
  expect(refusal('8A 06 000A 0001 61 01', V4)).toBe('0x81 MQTT-2.1.3-1');
});

it.each([
  ['no filter', '82 03 1234 00', '0x82 MQTT-3.8.3-2'],
  ['packet id 0', '82 07 0000 00 0001 70 00', '0x82 MQTT-2.2.1-3'],
  ['no options', '82 06 1234 00 0001 70', '0x81 1.5'],
  ['an empty filter', '82 06 1234 00 0000 00', '0x81 MQTT-4.7.3-1'],
  ['QoS 3', '82 07 1234 00 0001 70 03', '0x82 3.8.3.1'],
  ['retain handling 3', '82 07 1234 00 0001 70 30', '0x82 3.8.3.1'],
  ['reserved bit 6', '82 07 1234 00 0001 70 40', '0x81 MQTT-3.8.3-5'],
  ['reserved bit 7', '82 07 1234 00 0001 70 80', '0x81 MQTT-3.8.3-5'],
  ['no local on a shared one', '82 10 1234 00 000A 2473686172652F702F70 04', '0x82 MQTT-3.8.3-4'],
  ['a share without a filter', '82 0E 1234 00 0008 2473686172652F70 00', '0x81 MQTT-4.8.2-2'],
  ['subscription identifier 0', '82 09 0001 02 0B00 0001 70 00', '0x82 3.8.2.1.2'],
  ['two subscription identifiers', '82 0B 0001 04 0B01 0B02 0001 70 00', '0x82 3.8.2.1.2'],
  ['a foreign property', '82 09 0001 02 2400 0001 70 00', '0x81 2.2.2.2'],
  ['# inside a filter', '82 09 1234 00 0003 232F61 00', '0x81 MQTT-4.7.1-1'],
  ['a truncated filter', '82 06 1234 00 0009 70', '0x81 1.5'],
  ['UNSUBSCRIBE without a filter', 'A2 03 1234 00', '0x82 MQTT-3.10.3-2'],
  ['UNSUBSCRIBE of an empty filter', 'A2 05 1234 00 0000', '0x81 MQTT-4.7.3-1'],
  ['UNSUBSCRIBE with packet id 0', 'A2 06 0000 00 0001 70', '0x82 MQTT-2.2.1-3'],
])('refuses %s', (_, bytes, expected) => {
  expect(refusal(bytes, V5)).toBe(expected);
});

it('refuses before MQTT 5 every option but the QoS', () => {
  expect(refusal('82 06 1234 0001 70 04', V4)).toBe('0x81 MQTT-3.8.3-5');
  expect(decodeOne('82 0D 1234 0008 2473686172652F70 00', V4)).toMatchObject({
    subscriptions: [{ filter: '$share/p' }],
  });
});

it('reads the answers as a client', () => {
  expect(decodeOne('90 05 000A 00 0087', CLIENT)).toMatchObject({ packetId: 10, reasonCodes: [0, 0x87] });
  expect(decodeOne('90 04 000A 0280', { ...CLIENT, version: 4 })).toMatchObject({ reasonCodes: [2, 0x80] });
  expect(decodeOne('B0 04 000A 00 11', CLIENT)).toMatchObject({ reasonCodes: [0x11] });
  expect(decodeOne('B0 02 000A', { ...CLIENT, version: 4 })).toMatchObject({ packetId: 10, reasonCodes: [] });
});

it.each([
  ['a code of another packet', '90 04 000A 00 11', '0x82 MQTT-3.9.3-2'],
  ['no code', '90 03 000A 00', '0x81 3.9.3'],
  ['packet id 0', 'B0 04 0000 00 00', '0x82 MQTT-2.2.1-6'],
  ['a code of SUBACK in UNSUBACK', 'B0 04 000A 00 01', '0x82 MQTT-3.11.3-2'],
  ['no code in UNSUBACK', 'B0 03 000A 00', '0x81 3.11.3'],
])('refuses in an answer %s', (_, bytes, expected) => {
  expect(refusal(bytes, CLIENT)).toBe(expected);
});
