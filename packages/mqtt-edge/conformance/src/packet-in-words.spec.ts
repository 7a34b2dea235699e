import { expect, it } from '@jest/globals';
import { packetInWords } from './packet-in-words.js';

it.each([
  ['closed', 'closed'],
  ['silent', 'silent'],
  ['', ''],
  ['20020087', 'CONNACK 0x87'],
  ['4003123410', 'PUBACK 0x10'],
  ['70020001', 'PUBCOMP 0x00'],
  ['e00181', 'DISCONNECT 0x81'],
  ['e000', 'DISCONNECT 0x00'],
  ['d000', 'PINGRESP'],
])('calls %j %j', (heard, words) => {
  expect(packetInWords(heard)).toBe(words);
});
