import { expect, it } from '@jest/globals';
import { decodeOne, framed, refusal } from './testing/decoding.js';

it('reads the CONNECT of the example in 3.1.3 of MQTT 3.1.1: every flag set', () => {
  expect(
    decodeOne('10 1F 0004 4D515454 04 CE 000A 0002 6964 0001 77 0002 FFFE 0004 75736572 0002 FF00'),
  ).toEqual({
    type: 1,
    version: 4,
    clean: true,
    keepAlive: 10,
    clientId: 'id',
    will: { topic: 'w', payload: Buffer.from([0xff, 0xfe]), qos: 1, retain: false, properties: {} },
    username: 'user',
    password: Buffer.from([0xff, 0x00]),
    properties: {},
  });
});

it('reads both property lists of MQTT 5', () => {
  expect(
    decodeOne(
      framed(
        '10',
        '0004 4D515454 05 26 003C 0E 11 00000005 21 0014 26 0001 61 0000 0001 69 07 18 00000003 01 01 0001 77 0000',
      ),
    ),
  ).toMatchObject({
    properties: { sessionExpiryInterval: 5, receiveMaximum: 20, userProperties: [['a', '']] },
    will: {
      topic: 'w',
      retain: true,
      qos: 0,
      properties: { willDelayInterval: 3, payloadFormatIndicator: 1 },
    },
  });
});

it('reads MQTT 3.1 as it was written: no flag of the fixed header, bit 0 or will bit without a will counts', () => {
  expect(decodeOne('1F 0F 0006 4D5149736470 03 39 000A 0001 70')).toMatchObject({
    version: 3,
    will: undefined,
  });
  const announcedOnly = decodeOne('10 0F 0006 4D5149736470 03 C2 000A 0001 70');
  expect(announcedOnly).toMatchObject({ username: undefined, password: undefined });
});

it('leaves an empty client id to the connection', () => {
  expect(decodeOne('10 0C 0004 4D515454 04 00 000A 0000')).toMatchObject({ clientId: '', clean: false });
});

it('takes a password without a user name in MQTT 5 only', () => {
  expect(decodeOne('10 11 0004 4D515454 05 42 000A 00 0001 70 0001 71')).toMatchObject({
    username: undefined,
  });
  expect(refusal('10 10 0004 4D515454 04 42 000A 0001 70 0001 71')).toBe('0x81 3.1.2.9');
});

it.each([
  ['another protocol', '10 0D 0004 4D515455 04 02 000A 0001 70', '0x82 MQTT-3.1.2-1'],
  ['version 6', '10 0D 0004 4D515454 06 02 000A 0001 70', '0x84 MQTT-3.1.2-2'],
  ['version 2 of MQIsdp', '10 0F 0006 4D5149736470 02 00 000A 0001 70', '0x84 MQTT-3.1.2-2'],
  ['version 5 of MQIsdp', '10 0F 0006 4D5149736470 05 00 000A 0001 70', '0x84 MQTT-3.1.2-2'],
  ['header flags', '11 0D 0004 4D515454 04 02 000A 0001 70', '0x81 MQTT-2.1.3-1'],
  ['the reserved flag', '10 0D 0004 4D515454 04 03 000A 0001 70', '0x81 MQTT-3.1.2-3'],
  ['a will with QoS 3', '10 13 0004 4D515454 04 1E 000A 0001 70 0001 70 0001 70', '0x81 MQTT-3.1.2-12'],
  ['the QoS of no will', '10 0D 0004 4D515454 04 0A 000A 0001 70', '0x81 MQTT-3.1.2-11'],
  ['a retained will that is none', '10 0D 0004 4D515454 04 22 000A 0001 70', '0x81 MQTT-3.1.2-13'],
  ['no client id', '10 0A 0004 4D515454 04 02 000A', '0x81 1.5'],
  ['a will that is missing', '10 0D 0004 4D515454 04 06 000A 0001 70', '0x81 1.5'],
  ['a user name that is missing', '10 0D 0004 4D515454 04 82 000A 0001 70', '0x81 1.5'],
  ['a password that is missing', '10 10 0004 4D515454 04 C2 000A 0001 70 0001 70', '0x81 1.5'],
  ['a user name that is not announced', '10 10 0004 4D515454 04 02 000A 0001 70 0001 75', '0x81 1.5'],
  ['a password that is not announced', '10 13 0004 4D515454 04 82 000A 0001 70 0001 75 0001 71', '0x81 1.5'],
  ['bytes behind the end', '10 0E 0004 4D515454 04 02 000A 0001 70 00', '0x81 1.5'],
  ['U+0000 in the client id', '10 0D 0004 4D515454 04 02 000A 0001 00', '0x81 MQTT-1.5.4-1'],
  ['U+001F in the client id', '10 0D 0004 4D515454 04 02 000A 0001 1F', '0x81 1.5.4'],
  ['U+007F in the user name', '10 10 0004 4D515454 04 82 000A 0001 70 0001 7F', '0x81 1.5.4'],
  ['an empty will topic', '10 12 0004 4D515454 04 06 000A 0001 70 0000 0001 70', '0x81 MQTT-4.7.3-1'],
  [
    'a wildcard in the will topic',
    '10 13 0004 4D515454 04 06 000A 0001 70 0001 23 0001 70',
    '0x81 MQTT-3.3.2-2',
  ],
  [
    'authentication data without a method',
    '10 12 0004 4D515454 05 02 000A 04 16 0001 6D 0001 70',
    '0x82 3.1.2.11.10',
  ],
  ['receive maximum 0', '10 11 0004 4D515454 05 02 000A 03 21 0000 0001 70', '0x82 3.1.2.11.3'],
  ['maximum packet size 0', '10 13 0004 4D515454 05 02 000A 05 27 00000000 0001 70', '0x82 3.1.2.11.4'],
  [
    'session expiry twice',
    '10 18 0004 4D515454 05 02 000A 0A 11 00000001 11 00000001 0001 70',
    '0x82 3.1.2.11.2',
  ],
  ['a will property of its own', '10 13 0004 4D515454 05 02 000A 05 18 00000001 0001 70', '0x81 2.2.2.2'],
])('refuses %s', (_, bytes, expected) => {
  expect(refusal(bytes)).toBe(expected);
});

it('takes control characters in names when it is told to, U+0000 never', () => {
  const options = { strictStrings: false };
  expect(decodeOne('10 0D 0004 4D515454 04 02 000A 0001 1F', options)).toMatchObject({ clientId: '\u001f' });
  expect(refusal('10 0D 0004 4D515454 04 02 000A 0001 00', options)).toBe('0x81 MQTT-1.5.4-1');
});

it('checks the payload of a will that says it is UTF-8 when it is told to', () => {
  const will = framed('10', '0004 4D515454 05 06 000A 00 0001 70 02 01 01 0001 74 0001 FF');
  expect(refusal(will, { checkWillPayload: true })).toBe('0x99 3.1.3.2.3');
  expect(decodeOne(will)).toMatchObject({ will: { payload: Buffer.from([0xff]) } });
});
