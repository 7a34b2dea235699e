import { expect, it } from '@jest/globals';
import { sameMeaning } from './meaning.js';

const USER_PROPERTY = '26 0001 61 0001 62';
const REASON_STRING = '1F 0001 61';

it.each([
  ['a reason code 0 that is left out', '40 02 1234', '40 03 1234 00'],
  ['an empty property list that is left out', '40 03 1234 87', '40 04 1234 87 00'],
  ['a Reason String in an answer', '40 02 1234', `40 08 1234 00 04 ${REASON_STRING}`],
  ['User Properties in an answer', '90 04 1234 00 01', `90 0B 1234 07 ${USER_PROPERTY} 01`],
  ['that nobody has subscribed', '40 02 1234', '40 03 1234 10'],
  ['that nobody has subscribed, in PUBREC', '50 02 1234', '50 03 1234 10'],
  ['what a server can do, in CONNACK', '20 03 00 00 00', '20 06 00 00 03 21 0014'],
  [
    'the order of properties',
    `30 0E 0001 61 09 01 01 ${USER_PROPERTY} 78`,
    `30 0E 0001 61 09 ${USER_PROPERTY} 01 01 78`,
  ],
  ['the packet id of a broker’s own message', '32 06 0001 61 0001 00', '32 06 0001 61 0002 00'],
  ['a DISCONNECT that explains itself', 'E0 02 82 00', `E0 06 82 04 ${REASON_STRING}`],
])('%s makes no difference', (_what, one, other) => {
  expect(sameMeaning(bytes(one), bytes(other))).toBe(true);
});

it.each([
  ['another reason code', 'E0 02 82 00', 'E0 02 81 00'],
  ['another packet id in an answer', '40 02 1234', '40 02 1235'],
  ['another granted QoS', '90 04 1234 00 01', '90 04 1234 00 00'],
  ['nobody has subscribed, where there is no such code', '70 02 1234', '70 03 1234 10'],
  ['Session Present', '20 03 00 00 00', '20 03 01 00 00'],
  ['another topic', '30 05 0001 61 00 78', '30 05 0001 62 00 78'],
  ['another payload', '30 05 0001 61 00 78', '30 05 0001 61 00 79'],
  ['RETAIN', '30 05 0001 61 00 78', '31 05 0001 61 00 78'],
  ['a User Property of a message', '30 04 0001 61 00', `30 0B 0001 61 07 ${USER_PROPERTY}`],
  ['the order of User Properties', twoUserProperties('61', '62'), twoUserProperties('62', '61')],
  ['another type', '40 02 1234', '50 02 1234'],
  ['a packet that ends before its fields do', '40 02 1234', '40 01 12'],
  ['two of those', '40 01 12', '40 01 12'],
])('%s does', (_what, one, other) => {
  expect(sameMeaning(bytes(one), bytes(other))).toBe(false);
});

function twoUserProperties(one: string, other: string): string {
  return `30 12 0001 61 0E 26 0001 ${one} 0001 78 26 0001 ${other} 0001 78`;
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}
