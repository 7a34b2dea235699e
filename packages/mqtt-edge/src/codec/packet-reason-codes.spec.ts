import { expect, it } from '@jest/globals';
import { PacketType } from './packet.js';
import { isReasonCodeOf, reasonCodesOf } from './packet-reason-codes.js';

const codes = (type: PacketType, sender: 'client' | 'server'): string =>
  Buffer.from(reasonCodesOf(type, sender)).toString('hex');

it.each([
  ['CONNACK', PacketType.connack, '008081828384858687888 98a8c909597999a9b9c9d9f'],
  ['PUBACK', PacketType.puback, '001080838790919799'],
  ['PUBREC', PacketType.pubrec, '001080838790919799'],
  ['PUBREL', PacketType.pubrel, '0092'],
  ['PUBCOMP', PacketType.pubcomp, '0092'],
  ['SUBACK', PacketType.suback, '0001028083878f91979ea1a2'],
  ['UNSUBACK', PacketType.unsuback, '00118083878f91'],
  ['AUTH', PacketType.auth, '0018'],
  ['DISCONNECT', PacketType.disconnect, '008081828387898b8c8d8e8f90939495969798999a9b9c9d9e9fa0a1a2'],
])('a server may put these codes into %s', (_, type, expected) => {
  expect(codes(type, 'server')).toBe(expected.replace(' ', ''));
});

it('a client has its own codes in DISCONNECT and AUTH', () => {
  expect(codes(PacketType.disconnect, 'client')).toBe('00048081828390939495969798 99'.replace(' ', ''));
  expect(codes(PacketType.auth, 'client')).toBe('1819');
});

it('knows no code of a packet that has none', () => {
  expect(isReasonCodeOf(PacketType.publish, 0, 'client')).toBe(false);
  expect(isReasonCodeOf(PacketType.puback, 0xff, 'client')).toBe(false);
});
