import { expect, it } from '@jest/globals';
import { PacketType } from './packet.js';
import { PROPERTY_TABLE, ROW_OF_ID, rowAt, rowsToWrite, type PropertyPlace } from './property-table.js';

/** Table 2-4 by packet, the identifiers that may stand in it, whoever sends it. */
const IN_PACKET: readonly (readonly [string, PropertyPlace, string])[] = [
  ['CONNECT', PacketType.connect, '1115161719212226 27'],
  ['CONNACK', PacketType.connack, '111213151 61a1c1f212224252627282 92a'],
  ['PUBLISH', PacketType.publish, '01020308090b2326'],
  ['the will', 0, '01020308091826'],
  ['PUBACK', PacketType.puback, '1f26'],
  ['PUBREC', PacketType.pubrec, '1f26'],
  ['PUBREL', PacketType.pubrel, '1f26'],
  ['PUBCOMP', PacketType.pubcomp, '1f26'],
  ['SUBSCRIBE', PacketType.subscribe, '0b26'],
  ['SUBACK', PacketType.suback, '1f26'],
  ['UNSUBSCRIBE', PacketType.unsubscribe, '26'],
  ['UNSUBACK', PacketType.unsuback, '1f26'],
  ['DISCONNECT', PacketType.disconnect, '111c1f26'],
  ['AUTH', PacketType.auth, '15161f26'],
  ['PINGREQ', PacketType.pingreq, ''],
  ['PINGRESP', PacketType.pingresp, ''],
];

it.each(IN_PACKET)('has the properties of %s', (_, place, expected) => {
  const ids = [...ROW_OF_ID.keys()].filter((id) => rowAt('client', place, id) ?? rowAt('server', place, id));
  expect(Buffer.from(ids).toString('hex')).toBe(expected.replaceAll(' ', ''));
  for (const sender of ['client', 'server'] as const)
    expect(
      rowsToWrite(sender, place)
        .map((row) => row.id)
        .toSorted((a, b) => a - b),
    ).toEqual(ids.filter((id) => rowAt(sender, place, id)));
});

it('tells the sides apart where the standard does', () => {
  expect(rowAt('client', PacketType.publish, 0x0b)).toBeUndefined(); // [MQTT-3.3.4-6]
  expect(rowAt('server', PacketType.publish, 0x0b)?.many).toBe(true);
  expect(rowAt('client', PacketType.subscribe, 0x0b)?.many).toBeUndefined();
  expect(rowAt('server', PacketType.disconnect, 0x11)).toBeUndefined(); // [MQTT-3.14.2-2]
  expect(rowAt('client', PacketType.disconnect, 0x1c)).toBeUndefined();
});

it('has the 27 properties of the standard, each with one name and type', () => {
  const ids = new Set(PROPERTY_TABLE.map((row) => row.id));
  expect(ids.size).toBe(27);
  expect(new Set(PROPERTY_TABLE.map((row) => `${row.id} ${row.name} ${row.type}`)).size).toBe(27);
});
