import mqttPacket, { type Packet as ForeignPacket } from 'mqtt-packet';
import { PacketType, type Packet, type ProtocolVersion } from '../packet.js';
import { PROPERTY_TABLE } from '../property-table.js';
import type { Properties } from '../properties.js';

const BOOLEANS: ReadonlySet<string> = new Set(
  PROPERTY_TABLE.filter((row) => row.type === 'byte' && row.name !== 'maximumQos').map((row) => row.name),
);
const COMMANDS = Object.fromEntries(Object.entries(PacketType).map(([cmd, type]) => [type, cmd]));

/** The bytes that mqtt-packet makes of a valid packet of ours. */
export function generateByMqttPacket(packet: Packet, version: ProtocolVersion): Buffer {
  // built member by member; its union of types cannot follow
  return mqttPacket.generate(toForeign(packet, version) as unknown as ForeignPacket, {
    protocolVersion: version,
  });
}

function toForeign(packet: Packet, version: ProtocolVersion): Record<string, unknown> {
  const cmd = COMMANDS[packet.type];
  const properties = 'properties' in packet ? foreignProperties(packet.properties) : undefined;
  switch (packet.type) {
    case PacketType.connect: {
      const will = packet.will && { ...packet.will, properties: foreignProperties(packet.will.properties) };
      const protocolId = version === 3 ? 'MQIsdp' : 'MQTT';
      return {
        ...packet,
        cmd,
        protocolId,
        protocolVersion: version,
        keepalive: packet.keepAlive,
        will,
        properties,
      };
    }
    case PacketType.connack:
      return { ...packet, cmd, returnCode: packet.reasonCode, properties };
    case PacketType.subscribe: {
      const subscriptions = packet.subscriptions.map((each) => ({
        topic: each.filter,
        qos: each.qos,
        nl: each.noLocal,
        rap: each.retainAsPublished,
        rh: each.retainHandling,
      }));
      return { cmd, messageId: packet.packetId, subscriptions, properties };
    }
    case PacketType.unsubscribe:
      return { cmd, messageId: packet.packetId, unsubscriptions: packet.filters, properties };
    case PacketType.suback:
    case PacketType.unsuback:
      return { cmd, messageId: packet.packetId, granted: packet.reasonCodes, properties };
    case PacketType.publish:
    case PacketType.puback:
    case PacketType.pubrec:
    case PacketType.pubrel:
    case PacketType.pubcomp:
    case PacketType.pingreq:
    case PacketType.pingresp:
    case PacketType.disconnect:
    case PacketType.auth:
      return { ...packet, cmd, messageId: 'packetId' in packet ? packet.packetId : undefined, properties };
  }
}

function foreignProperties({
  subscriptionIdentifiers,
  maximumQos,
  userProperties,
  ...rest
}: Properties): unknown {
  const grouped = new Map<string, string[]>();
  for (const [name, value] of userProperties ?? [])
    grouped.set(name, (grouped.get(name) ?? []).concat(value));
  const properties: Record<string, unknown> = Object.fromEntries(
    Object.entries(rest).map(([name, value]) => [name, BOOLEANS.has(name) ? value === 1 : value]),
  );
  if (subscriptionIdentifiers !== undefined)
    properties['subscriptionIdentifier'] = [...subscriptionIdentifiers];
  if (maximumQos !== undefined) properties['maximumQoS'] = maximumQos;
  if (userProperties !== undefined) properties['userProperties'] = Object.fromEntries(grouped);
  return properties;
}
