import {
  PacketType,
  type Packet,
  type Properties,
  type ProtocolVersion,
  type Role,
} from '@fieldgate/mqtt-edge';

/** One valid value of every property. */
export const sampleProperties: Required<Properties> = {
  payloadFormatIndicator: 1,
  messageExpiryInterval: 60,
  contentType: 'text/plain',
  responseTopic: 'answers/ü',
  correlationData: Buffer.from('c0ffee', 'hex'),
  subscriptionIdentifiers: [200],
  sessionExpiryInterval: 3600,
  assignedClientIdentifier: 'assigned',
  serverKeepAlive: 30,
  authenticationMethod: 'method',
  authenticationData: Buffer.from('00ff', 'hex'),
  requestProblemInformation: 1,
  willDelayInterval: 5,
  requestResponseInformation: 0,
  responseInformation: 'info',
  serverReference: 'other:1883',
  reasonString: 'because',
  receiveMaximum: 20,
  topicAliasMaximum: 10,
  topicAlias: 3,
  maximumQos: 1,
  retainAvailable: 1,
  userProperties: [
    ['name', 'value'],
    ['name', ''],
  ],
  maximumPacketSize: 65_536,
  wildcardSubscriptionAvailable: 1,
  subscriptionIdentifiersAvailable: 0,
  sharedSubscriptionAvailable: 0,
};

/** A packet of every type that this side may send; the encoder leaves out the properties that have no place in one. */
export function packetsWith(properties: Properties, version: ProtocolVersion, sender: Role): Packet[] {
  const explained = [PacketType.puback, PacketType.pubrec, PacketType.pubrel, PacketType.pubcomp] as const;
  const acknowledgements = explained.flatMap((type): Packet[] => [
    { type, packetId: 7, reasonCode: 0, properties },
    { type, packetId: 8, reasonCode: version < 5 ? 0 : REFUSALS[type], properties },
  ]);
  const own = sender === 'client' ? byClient(properties, version) : byServer(properties, version);
  return publishes(properties, sender).concat(acknowledgements, own);
}

const REFUSALS = {
  [PacketType.puback]: 0x97,
  [PacketType.pubrec]: 0x10,
  [PacketType.pubrel]: 0x92,
  [PacketType.pubcomp]: 0x92,
} as const;

function publishes(all: Properties, sender: Role): Packet[] {
  const { subscriptionIdentifiers, ...byClients } = all;
  const properties = sender === 'server' && subscriptionIdentifiers !== undefined ? all : byClients;
  return ([0, 1, 2] as const).map((qos) => {
    const topic = ['t', 'devices/d1/telemetry', 'größe/\u{1f321}'][qos] as string; // one for each
    return {
      type: PacketType.publish,
      qos,
      dup: qos === 2,
      retain: qos === 1,
      packetId: qos === 0 ? undefined : 0x1234,
      topic,
      topicBytes: Buffer.from(topic),
      payload: Buffer.from('{"temperature":21.5}'.slice(0, 10 * qos)),
      properties,
    };
  });
}

function byClient(properties: Properties, version: ProtocolVersion): Packet[] {
  const options = {
    noLocal: version === 5,
    retainAsPublished: version === 5,
    retainHandling: version === 5 ? 2 : 0,
  } as const;
  const will = { topic: 'wills/w', payload: Buffer.from('gone'), qos: 1, retain: true, properties } as const;
  const connect = {
    type: PacketType.connect,
    version,
    clean: true,
    keepAlive: 60,
    clientId: 'c1',
    will: undefined,
    username: undefined,
    password: undefined,
    properties,
  } as const;
  return [
    connect,
    { ...connect, will, username: 'user', password: Buffer.from('secret') },
    {
      type: PacketType.subscribe,
      packetId: 9,
      subscriptions: [
        { filter: 'devices/+/commands/#', qos: 1, ...options },
        { filter: '$share/group/a', qos: 2, ...options, noLocal: false },
      ],
      properties,
    },
    { type: PacketType.unsubscribe, packetId: 10, filters: ['#', 'a/+'], properties },
    { type: PacketType.pingreq },
    { type: PacketType.disconnect, reasonCode: version < 5 ? 0 : 4, properties },
    ...auth(properties, version, 0x19),
  ];
}

function byServer(properties: Properties, version: ProtocolVersion): Packet[] {
  const farewell: Packet = { type: PacketType.disconnect, reasonCode: 0x8e, properties };
  return [
    { type: PacketType.connack, sessionPresent: version > 3, reasonCode: 0, properties },
    { type: PacketType.connack, sessionPresent: false, reasonCode: version < 5 ? 5 : 0x87, properties },
    { type: PacketType.suback, packetId: 9, reasonCodes: [1, 2, 0x80], properties },
    { type: PacketType.unsuback, packetId: 10, reasonCodes: [0, 0x11], properties },
    { type: PacketType.pingresp },
    ...(version < 5 ? [] : [farewell]),
    ...auth(properties, version, 0x18),
  ];
}

function auth(properties: Properties, version: ProtocolVersion, reasonCode: 0x18 | 0x19): Packet[] {
  if (version < 5) return [];
  return [
    { type: PacketType.auth, reasonCode, properties: { ...properties, authenticationMethod: 'method' } },
  ];
}
