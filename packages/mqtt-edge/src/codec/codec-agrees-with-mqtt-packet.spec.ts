import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encode } from './encoder.js';
import { PacketType, type Packet, type ProtocolVersion } from './packet.js';
import { isViolation } from './protocol-violation.js';
import { ReasonCode } from './reason-codes.js';
import { damages, damaged } from './testing/damage.js';
import { decodeChunks } from './testing/decoding.js';
import { DIRECTIONS, packets, RUNS } from './testing/directions.js';
import { common, readByMqttPacket } from './testing/mqtt-packet.js';
import { generateByMqttPacket } from './testing/to-mqtt-packet.js';

it.each(DIRECTIONS)('mqtt-packet reads what it encodes: MQTT $version, sent by a $sender', (direction) => {
  const { version, sender } = direction;
  fc.assert(
    fc.property(packets(direction), (packet) => {
      fc.pre(!isRefusedByMqttPacket(packet));
      expect(readByMqttPacket(encode(packet, version, sender), version)).toEqual(common(packet, version));
    }),
    RUNS,
  );
});

it.each(DIRECTIONS)('reads what mqtt-packet generates: MQTT $version, sent by a $sender', (direction) => {
  const { version, receiver } = direction;
  fc.assert(
    fc.property(packets(direction), (packet) => {
      fc.pre(isGeneratedByMqttPacket(packet, version));
      const [read] = decodeChunks([generateByMqttPacket(packet, version)], { role: receiver, version });
      if (read === undefined || isViolation(read)) throw new Error(JSON.stringify(read));
      expect(common(read, version)).toEqual(common(packet, version));
    }),
    RUNS,
  );
});

it.each(DIRECTIONS)(
  'reads what both accept as mqtt-packet does: MQTT $version, sent by a $sender',
  (direction) => {
    const { version, sender, receiver } = direction;
    let both = 0;
    fc.assert(
      fc.property(packets(direction), damages, (packet, damage) => {
        const bytes = damaged(encode(packet, version, sender), damage);
        const [read] = decodeChunks([bytes], { role: receiver, version });
        if (read === undefined || isViolation(read)) return;
        const foreign = readByMqttPacket(bytes, version);
        if (foreign === undefined) return;
        both++;
        expect(common(read, version)).toEqual(foreign);
      }),
      { ...RUNS, numRuns: 1500 },
    );
    expect(both).toBeGreaterThan(300);
  },
);

/** What mqtt-packet refuses although the standard allows it. */
function isRefusedByMqttPacket(packet: Packet): boolean {
  // 2.4, table 2-6: a server may disconnect with 0x8C
  return packet.type === PacketType.disconnect && packet.reasonCode === ReasonCode.badAuthenticationMethod;
}

/** What mqtt-packet can write as the standard wants it. */
function isGeneratedByMqttPacket(packet: Packet, version: ProtocolVersion): boolean {
  if (!('properties' in packet)) return true;
  const lists = [packet.properties, packet.type === PacketType.connect ? packet.will?.properties : undefined];
  const pairs = lists.flatMap((properties) => properties?.userProperties ?? []);
  // 3.1.2.11.8: a user property may have any name; it takes one named like a member of every object for that member
  if (pairs.some(([name]) => name in Object.prototype)) return false;
  // 3.3.2.3.4: with an alias the topic may be empty; it writes none without
  if (packet.type === PacketType.publish) return packet.topic !== '';
  if (packet.type !== PacketType.connect) return true;
  // MQTT 5, 3.1.2.9: a password needs no user name; it demands one
  if (packet.password !== undefined && packet.username === undefined) return false;
  // MQTT 3.1.1, [MQTT-3.1.3-7], demands a clean session of a client without an id, MQTT 5, [MQTT-3.1.3-6], does not; MQTT 3.1 demands an id
  return packet.clientId !== '' || (packet.clean && version > 3);
}
