import { expect, it } from '@jest/globals';
import { FIRST_BYTE_OBJECTIONS, firstByteVerdicts, FIXED_HEADERS, type Role } from './fixed-headers.js';
import { PacketType, type ProtocolVersion } from './packet.js';

function accepted(role: Role, version: ProtocolVersion, authentication = true): string {
  const verdicts = firstByteVerdicts(role, version, authentication);
  const bytes = [...verdicts.keys()].filter(
    (byte) => byte >> 4 !== PacketType.connect && verdicts[byte] === 0,
  );
  return Buffer.from(bytes).toString('hex');
}

const PUBLISH = '30313233343 53a3b3c3d'.replace(' ', '');

it.each<[Role, ProtocolVersion, string]>([
  ['server', 5, `${PUBLISH}4050627082a2c0e0f0`],
  ['server', 4, `${PUBLISH}4050627082a2c0e0`],
  ['server', 3, `${PUBLISH}4050626a70828aa2aac0e0`], // MQTT 3.1 repeats PUBREL, SUBSCRIBE and UNSUBSCRIBE with DUP
  ['client', 5, `20${PUBLISH}4050627090b0d0e0f0`],
  ['client', 4, `20${PUBLISH}4050627090b0d0`],
])('a %s of version %d takes these first bytes and no others', (role, version, bytes) => {
  expect(accepted(role, version)).toBe(bytes);
});

it('takes no AUTH from a client that has named no method', () => {
  expect(accepted('server', 5, false)).toBe(`${PUBLISH}4050627082a2c0e0`);
});

it.each([
  [0x00, 0x82, 'reserved'],
  [0x20, 0x82, 'must not receive'],
  [0x21, 0x82, 'must not receive'], // Mosquitto asks for the direction of CONNACK and PINGRESP first
  [0x91, 0x81, 'reserved bits'], // and for the flags of SUBACK and UNSUBACK
  [0x36, 0x81, 'QoS 3'],
  [0x3e, 0x81, 'QoS 3'],
  [0x38, 0x81, 'DUP and QoS 0'],
  [0xc1, 0x81, 'reserved bits'],
  [0xe1, 0x81, 'reserved bits'],
])('objects to first byte %i with %i: %s', (byte, code, reason) => {
  const verdict = firstByteVerdicts('server', 5, true)[byte] ?? 0;
  expect(FIRST_BYTE_OBJECTIONS[verdict]).toMatchObject({ reasonCode: code });
  expect(FIRST_BYTE_OBJECTIONS[verdict]?.reason).toContain(reason);
});

it('has a row for each packet type', () => {
  expect(FIXED_HEADERS.map((header) => header.type)).toEqual(Object.values(PacketType));
});
