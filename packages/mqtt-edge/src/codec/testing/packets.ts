import fc, { type Arbitrary } from 'fast-check';
import type { Role } from '../fixed-headers.js';
import {
  PacketType,
  type ConnectPacket,
  type Message,
  type Packet,
  type ProtocolVersion,
  type PublishPacket,
  type Qos,
} from '../packet.js';
import { reasonCodesOf } from '../packet-reason-codes.js';
import { NO_PROPERTIES, type Properties } from '../properties.js';
import { ROW_OF_ID, rowAt, type PropertyPlace, type PropertyRow } from '../property-table.js';
import type { ReasonCode } from '../reason-codes.js';
import { topicFilterObjection, topicNameObjection } from '../topics.js';
import { scanUtf8 } from '../utf8.js';

// Every valid packet of a version, as `fast-check` draws it.

const binary = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
/** Mostly short; long ones have a remaining length of two and three bytes. */
const payload = fc.oneof(
  { weight: 9, arbitrary: binary },
  fc.integer({ min: 100, max: 20_000 }).map((length) => Buffer.alloc(length, 'x')),
);
/** 'binary' has every code point but surrogates. */
const text = fc.string({ unit: 'binary', maxLength: 12 }).map((drawn) => drawn.replaceAll('\0', '-'));
const name = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((drawn) => {
  const bytes = Buffer.from(drawn);
  return scanUtf8(bytes, 0, bytes.length) === 0;
});
/** Of one length and one letter apart: a decoder that remembers topics must not mistake one for the other. */
const nearTopic = fc.constantFrom('a/t', 'b/t', 'a/u', 'a-t');
const anyTopic = fc
  .array(fc.oneof(name, fc.constantFrom('devices', '$SYS', 'telemetry', '')), { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter((drawn) => topicNameObjection(drawn) === undefined);
const topic = fc.oneof(anyTopic, nearTopic);
const filter = fc
  .tuple(
    fc.constantFrom('', '$share/group/'),
    fc.array(fc.oneof(name, fc.constant('+')), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '/#'),
  )
  .map(([share, levels, rest]) => share + levels.join('/') + rest)
  .filter((drawn) => topicFilterObjection(drawn, true) === undefined);
const packetId = fc.integer({ min: 1, max: 65_535 });
const qos = fc.constantFrom<Qos>(0, 1, 2);
const optional = <T>(drawn: Arbitrary<T>): Arbitrary<T | undefined> => fc.option(drawn, { nil: undefined });

function propertyValue(row: PropertyRow): Arbitrary<unknown> {
  const min = row.values === 'not 0' ? 1 : 0;
  switch (row.type) {
    case 'byte':
      return fc.integer({ min, max: 1 }); // each byte of the table is a flag
    case 'two byte':
      return fc.integer({ min, max: 65_535 });
    case 'four byte':
      return fc.integer({ min, max: 4_294_967_295 });
    case 'varint':
      return fc.array(fc.integer({ min, max: 268_435_455 }), { minLength: 1, maxLength: row.many ? 3 : 1 });
    case 'utf8':
      return row.values === 'topic' ? topic : text;
    case 'binary':
      return binary;
    case 'pair':
      return fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 });
  }
}

function propertiesIn(version: ProtocolVersion, sender: Role, place: PropertyPlace): Arbitrary<Properties> {
  if (version < 5) return fc.constant(NO_PROPERTIES);
  const values: Record<string, Arbitrary<unknown>> = {};
  for (const id of ROW_OF_ID.keys()) {
    const row = rowAt(sender, place, id);
    if (row !== undefined) values[row.name] = propertyValue(row);
  }
  const some: Arbitrary<Properties> = fc.record(values, { requiredKeys: [] }); // the table's names and types are those of Properties
  return some.filter(
    (drawn) => drawn.authenticationData === undefined || drawn.authenticationMethod !== undefined,
  );
}

function messages(version: ProtocolVersion, sender: Role, place: PropertyPlace): Arbitrary<Message> {
  const properties = propertiesIn(version, sender, place);
  return fc.record({ topic, payload, qos, retain: fc.boolean(), properties });
}

function publishes(version: ProtocolVersion, sender: Role): Arbitrary<PublishPacket> {
  return fc
    .tuple(messages(version, sender, PacketType.publish), fc.boolean(), packetId, fc.boolean())
    .map(([message, dup, id, aliasOnly]) => {
      const sent = aliasOnly && message.properties.topicAlias !== undefined ? '' : message.topic;
      return {
        type: PacketType.publish,
        ...message,
        dup: dup && message.qos > 0,
        packetId: message.qos > 0 ? id : undefined,
        topic: sent,
        topicBytes: Buffer.from(sent),
      };
    });
}

export function connects(version: ProtocolVersion): Arbitrary<ConnectPacket> {
  return fc
    .record({
      type: fc.constant(PacketType.connect),
      version: fc.constant(version),
      clean: fc.boolean(),
      keepAlive: fc.integer({ min: 0, max: 65_535 }),
      clientId: name,
      will: optional(messages(version, 'client', 0)),
      username: optional(name),
      password: optional(binary),
      properties: propertiesIn(version, 'client', PacketType.connect),
    })
    .map((drawn) =>
      version < 5 && drawn.username === undefined ? { ...drawn, password: undefined } : drawn,
    );
}

function codes(version: ProtocolVersion, type: PacketType, sender: Role): Arbitrary<ReasonCode> {
  return version < 5 ? fc.constant(0) : fc.constantFrom(...reasonCodesOf(type, sender));
}

function acknowledgements(version: ProtocolVersion, sender: Role): Arbitrary<Packet> {
  const types = [PacketType.puback, PacketType.pubrec, PacketType.pubrel, PacketType.pubcomp] as const;
  return fc.oneof(
    ...types.map((type) =>
      fc.record({
        type: fc.constant(type),
        packetId,
        reasonCode: codes(version, type, sender),
        properties: propertiesIn(version, sender, type),
      }),
    ),
  );
}

function subscriptions(version: ProtocolVersion): Arbitrary<Packet>[] {
  const options = fc.record({
    filter,
    qos,
    noLocal: version < 5 ? fc.constant(false) : fc.boolean(),
    retainAsPublished: version < 5 ? fc.constant(false) : fc.boolean(),
    retainHandling: version < 5 ? fc.constant(0 as const) : fc.constantFrom<0 | 1 | 2>(0, 1, 2),
  });
  const request = options.map((drawn) => ({
    ...drawn,
    noLocal: drawn.noLocal && !drawn.filter.startsWith('$share/'),
  }));
  return [
    fc.record({
      type: fc.constant(PacketType.subscribe),
      packetId,
      subscriptions: fc.array(request, { minLength: 1, maxLength: 4 }),
      properties: propertiesIn(version, 'client', PacketType.subscribe),
    }),
    fc.record({
      type: fc.constant(PacketType.unsubscribe),
      packetId,
      filters: fc.array(filter, { minLength: 1, maxLength: 4 }),
      properties: propertiesIn(version, 'client', PacketType.unsubscribe),
    }),
  ];
}

function answers(version: ProtocolVersion): Arbitrary<Packet>[] {
  const granted =
    version < 5 ? fc.constantFrom<ReasonCode>(0, 1, 2, 0x80) : codes(5, PacketType.suback, 'server');
  const released = fc.array(codes(5, PacketType.unsuback, 'server'), { minLength: 1, maxLength: 4 });
  return [
    fc
      .record({
        type: fc.constant(PacketType.connack),
        sessionPresent: version > 3 ? fc.boolean() : fc.constant(false),
        reasonCode: version < 5 ? fc.integer({ min: 0, max: 5 }) : codes(5, PacketType.connack, 'server'),
        properties: propertiesIn(version, 'server', PacketType.connack),
      })
      .map((drawn) => (drawn.reasonCode === 0 ? drawn : { ...drawn, sessionPresent: false })),
    fc.record({
      type: fc.constant(PacketType.suback),
      packetId,
      reasonCodes: fc.array(granted, { minLength: 1, maxLength: 4 }),
      properties: propertiesIn(version, 'server', PacketType.suback),
    }),
    fc.record({
      type: fc.constant(PacketType.unsuback),
      packetId,
      reasonCodes: version < 5 ? fc.constant<ReasonCode[]>([]) : released,
      properties: propertiesIn(version, 'server', PacketType.unsuback),
    }),
    fc.constant({ type: PacketType.pingresp }),
  ];
}

function farewells(version: ProtocolVersion, sender: Role): Arbitrary<Packet>[] {
  if (version < 5 && sender === 'server') return [];
  const disconnect = fc.record({
    type: fc.constant(PacketType.disconnect),
    reasonCode: codes(version, PacketType.disconnect, sender),
    properties: propertiesIn(version, sender, PacketType.disconnect),
  });
  if (version < 5) return [disconnect];
  const auth = fc
    .record({
      type: fc.constant(PacketType.auth),
      reasonCode: codes(version, PacketType.auth, sender),
      properties: propertiesIn(version, sender, PacketType.auth),
      method: text,
    })
    .map(({ method, ...drawn }) => ({
      ...drawn,
      properties: { ...drawn.properties, authenticationMethod: method }, // 3.15.2.2.2
    }));
  return [disconnect, auth];
}

/** What `sender` may send once it is connected. */
export function packetsOf(version: ProtocolVersion, sender: Role): Arbitrary<Packet> {
  const own =
    sender === 'client'
      ? [...subscriptions(version), fc.constant({ type: PacketType.pingreq })]
      : answers(version);
  return fc.oneof(
    publishes(version, sender),
    acknowledgements(version, sender),
    ...farewells(version, sender),
    ...own,
  );
}
