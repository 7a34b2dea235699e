import mqttPacket, { type Packet as ForeignPacket } from 'mqtt-packet';
import { PacketType, type Packet, type ProtocolVersion } from '../packet.js';
import type { Properties } from '../properties.js';

/** A packet in the words of neither codec, so that what both have read can be compared. */
export type Common = Readonly<Record<string, unknown>>;

/** What mqtt-packet makes of the bytes; undefined: it refuses them, or waits for more. */
export function readByMqttPacket(bytes: Buffer, version: ProtocolVersion): Common | undefined {
  const parser = mqttPacket.parser({ protocolVersion: version });
  const read: ForeignPacket[] = [];
  let refused = false;
  parser.on('packet', (packet) => read.push(packet));
  parser.on('error', () => (refused = true));
  try {
    parser.parse(bytes);
  } catch {
    return undefined; // it throws a RangeError where a length goes beyond the packet: that, too, is no packet
  }
  const [packet] = read;
  return refused || read.length !== 1 || packet === undefined ? undefined : fromForeign(packet, version);
}

function fromForeign(packet: ForeignPacket, version: ProtocolVersion): Common {
  // its types leave out what a packet of another kind has; each member is looked at by name
  const all = packet as unknown as Readonly<Record<string, unknown>>;
  const will = all['will'] as Readonly<Record<string, unknown>> | undefined;
  return clean({
    type: PacketType[packet.cmd],
    version: all['protocolVersion'],
    clean: all['clean'],
    keepAlive: all['keepalive'],
    clientId: all['clientId'],
    username: all['username'],
    password: bytesOf(all['password']),
    will:
      will &&
      clean({
        ...will,
        payload: bytesOf(will['payload']),
        properties: foreignProperties(will['properties']),
      }),
    topic: packet.cmd === 'publish' ? packet.topic : undefined,
    payload: packet.cmd === 'publish' ? bytesOf(all['payload']) : undefined,
    flags: packet.cmd === 'publish' ? [packet.dup, packet.qos, packet.retain] : undefined,
    packetId: packet.messageId,
    sessionPresent: packet.cmd === 'connack' && version > 3 ? packet.sessionPresent : undefined,
    reasonCode: all['reasonCode'] || all['returnCode'] || undefined,
    reasonCodes: all['granted'],
    filters: all['unsubscriptions'],
    subscriptions:
      packet.cmd === 'subscribe'
        ? packet.subscriptions.map(({ topic, qos, nl, rap, rh }) => [
            topic,
            qos,
            nl ?? false,
            rap ?? false,
            rh ?? 0,
          ])
        : undefined,
    properties: foreignProperties(all['properties']),
  });
}

function foreignProperties(properties: unknown): Common | undefined {
  if (properties === undefined) return undefined;
  const { maximumQoS, subscriptionIdentifier, userProperties, ...rest } = properties as Record<
    string,
    unknown
  >;
  return clean({
    ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, plainValue(value)])),
    maximumQos: maximumQoS,
    subscriptionIdentifiers:
      subscriptionIdentifier === undefined ? undefined : [subscriptionIdentifier].flat(),
    userProperties:
      userProperties &&
      Object.fromEntries(Object.entries(userProperties).map(([name, value]) => [name, [value].flat()])),
  });
}

const plainValue = (value: unknown): unknown =>
  typeof value === 'boolean' ? Number(value) : (bytesOf(value) ?? value);

/** The same words for a packet of ours. */
export function common(packet: Packet, version: ProtocolVersion): Common {
  const all = packet as unknown as Readonly<Record<string, unknown>>; // as above
  const connect = packet.type === PacketType.connect ? packet : undefined;
  const publish = packet.type === PacketType.publish ? packet : undefined;
  return clean({
    type: packet.type,
    version: connect?.version,
    clean: connect?.clean,
    keepAlive: connect?.keepAlive,
    clientId: connect?.clientId,
    username: connect?.username,
    password: bytesOf(connect?.password),
    will:
      connect?.will &&
      clean({
        ...connect.will,
        payload: bytesOf(connect.will.payload),
        properties: ownProperties(connect.will.properties),
      }),
    topic: publish?.topic,
    payload: bytesOf(publish?.payload),
    flags: publish && [publish.dup, publish.qos, publish.retain],
    packetId: all['packetId'],
    sessionPresent: packet.type === PacketType.connack && version > 3 ? packet.sessionPresent : undefined,
    reasonCode: all['reasonCode'] || undefined,
    reasonCodes: packet.type === PacketType.unsuback && version < 5 ? undefined : all['reasonCodes'],
    filters: all['filters'],
    subscriptions:
      packet.type === PacketType.subscribe
        ? packet.subscriptions.map((each) => [
            each.filter,
            each.qos,
            each.noLocal,
            each.retainAsPublished,
            each.retainHandling,
          ])
        : undefined,
    properties: 'properties' in packet ? ownProperties(packet.properties) : undefined,
  });
}

function ownProperties(properties: Properties): Common | undefined {
  const { userProperties, ...rest } = properties;
  return clean({
    ...Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, bytesOf(value) ?? value])),
    userProperties: userProperties && asMqttPacketKeeps(userProperties),
  });
}

/**
 * [MQTT-3.3.2-18] wants the order of user properties kept, and 3.3.2.3.7 allows any value and the same name again. mqtt-packet groups them by
 * name, and forgets an empty value when the name comes again: exactly that is left out of the comparison.
 */
function asMqttPacketKeeps(pairs: NonNullable<Properties['userProperties']>): Common {
  const kept = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const before = kept.get(name);
    if (before === undefined || (before.length === 1 && before[0] === '')) kept.set(name, [value]);
    else before.push(value);
  }
  return Object.fromEntries(kept);
}

const bytesOf = (value: unknown): string | undefined =>
  Buffer.isBuffer(value) ? `bytes ${value.toString('hex')}` : undefined;

/** Without members that are undefined, and without an empty list of properties. */
function clean(drawn: Readonly<Record<string, unknown>>): Common {
  return Object.fromEntries(
    Object.entries(drawn).filter(
      ([name, value]) =>
        value !== undefined && !(name === 'properties' && Object.keys(value as object).length === 0),
    ),
  );
}
