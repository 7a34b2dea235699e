import { expect, it } from '@jest/globals';
import { decodeOne, refusal } from './testing/decoding.js';

const V4 = { version: 4 } as const;
const V5 = { version: 5 } as const;
const CLIENT = { ...V5, role: 'client' } as const;

it.each([
  ['PUBACK', '40', 4],
  ['PUBREC', '50', 5],
  ['PUBREL', '62', 6],
  ['PUBCOMP', '70', 7],
])('reads %s in its three lengths', (_, byte, type) => {
  const success = { type, packetId: 10, reasonCode: 0, properties: {} };
  expect(decodeOne(`${byte} 02 000A`, V4)).toEqual(success);
  expect(decodeOne(`${byte} 02 000A`, V5)).toEqual(success);
  expect(decodeOne(`${byte} 03 000A 00`, V5)).toEqual(success);
  expect(decodeOne(`${byte} 08 000A 00 04 1F 0001 78`, V5)).toEqual({
    ...success,
    properties: { reasonString: 'x' },
  });
});

it('reads reason codes where they belong', () => {
  expect(decodeOne('40 03 000A 10', V5)).toMatchObject({ reasonCode: 0x10 });
  expect(decodeOne('70 03 000A 92', V5)).toMatchObject({ reasonCode: 0x92 });
  expect(refusal('40 03 000A 92', V5)).toBe('0x82 MQTT-3.4.2-1');
  expect(refusal('50 03 000A 92', V5)).toBe('0x82 MQTT-3.5.2-1');
  expect(refusal('62 03 000A 10', V5)).toBe('0x82 MQTT-3.6.2-1');
  expect(refusal('70 03 000A FF', V5)).toBe('0x82 MQTT-3.7.2-1');
});

it.each([
  ['packet id 0', '40 02 0000', '0x82 MQTT-2.2.1-5'],
  ['half a packet id', '40 01 00', '0x81 1.5'],
  ['nothing', '40 00', '0x81 1.5'],
  ['bytes behind the properties', '70 05 0001 00 00 00', '0x81 1.5'],
  ['a property list that is missing', '40 04 0001 00 01', '0x81 2.2.2.1'],
  ['two reason strings', '40 0C 0001 00 08 1F 0001 70 1F 0001 71', '0x82 3.2.2.3.9'],
  ['a foreign property', '40 06 0001 00 02 0B01', '0x82 2.2.2.2'],
  ['a foreign property cut off', '40 05 0001 00 01 24', '0x81 1.5'],
])('refuses in MQTT 5 %s', (_, bytes, expected) => {
  expect(refusal(bytes, V5)).toBe(expected);
});

it('refuses a reason code before MQTT 5', () => {
  expect(refusal('40 03 0001 00', V4)).toBe('0x81 1.5');
  expect(refusal('E0 01 00', V4)).toBe('0x81 1.5');
});

it('reads DISCONNECT', () => {
  expect(decodeOne('E0 00', V5)).toEqual({ type: 14, reasonCode: 0, properties: {} });
  expect(decodeOne('E0 01 04', V5)).toMatchObject({ reasonCode: 4 });
  expect(decodeOne('E0 07 00 05 11 00000009', V5)).toMatchObject({
    properties: { sessionExpiryInterval: 9 },
  });
  expect(decodeOne('E0 06 9D 04 1C 0001 78', CLIENT)).toMatchObject({ properties: { serverReference: 'x' } });
});

it.each([
  ['a client that says what only servers say', 'E0 01 8E', V5, '0x82 MQTT-3.14.2-1'],
  ['a client that refers to a server', 'E0 06 00 04 1C 0001 78', V5, '0x82 2.2.2.2'],
  ['a server that sets the expiry', 'E0 07 00 05 11 00000009', CLIENT, '0x82 2.2.2.2'],
  ['a server before MQTT 5', 'E0 00', { ...CLIENT, version: 4 } as const, '0x82 2.1.2'],
])('refuses the DISCONNECT of %s', (_, bytes, options, expected) => {
  expect(refusal(bytes, options)).toBe(expected);
});

it('reads AUTH', () => {
  const auth = {
    type: 15,
    reasonCode: 0x18,
    properties: { authenticationMethod: 'm', authenticationData: Buffer.from('d') },
  };
  expect(decodeOne('F0 0A 18 08 15 0001 6D 16 0001 64', V5)).toEqual(auth);
  expect(decodeOne('F0 00', CLIENT)).toMatchObject({ reasonCode: 0 }); // 3.15.2.1 lets everything be left out
});

it.each([
  ['without a method', 'F0 02 18 00', '0x82 3.15.2.2.2'],
  ['with data and no method', 'F0 06 18 04 16 0001 64', '0x82 3.1.2.11.10'],
  ['with success, which only servers say', 'F0 06 00 04 15 0001 6D', '0x82 MQTT-3.15.2-1'],
])('refuses AUTH %s', (_, bytes, expected) => {
  expect(refusal(bytes, V5)).toBe(expected);
});

it('reads CONNACK', () => {
  expect(decodeOne('20 02 01 00', { ...CLIENT, version: 4 })).toMatchObject({
    sessionPresent: true,
    reasonCode: 0,
  });
  expect(decodeOne('20 02 01 00', { ...CLIENT, version: 3 })).toMatchObject({ sessionPresent: false });
  expect(decodeOne('20 08 00 00 05 24 00 13 003C', CLIENT)).toMatchObject({
    properties: { maximumQos: 0, serverKeepAlive: 60 },
  });
});

it.each([
  ['a reserved flag', '20 03 02 00 00', 5, '0x81 MQTT-3.2.2-1'],
  ['a session in a refusal', '20 03 01 87 00', 5, '0x82 MQTT-3.2.2-6'],
  ['a code of another packet', '20 03 00 04 00', 5, '0x82 MQTT-3.2.2-8'],
  ['return code 6', '20 02 00 06', 4, '0x82 MQTT-3.2.2-8'],
  ['a maximum QoS of 2', '20 05 00 00 02 24 02', 5, '0x82 3.2.2.3.4'],
] as const)('refuses in CONNACK %s', (_, bytes, version, expected) => {
  expect(refusal(bytes, { role: 'client', version })).toBe(expected);
});
