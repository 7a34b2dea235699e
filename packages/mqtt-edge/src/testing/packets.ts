import {
  PacketType,
  type AcknowledgementPacket,
  type ConnectPacket,
  type DisconnectPacket,
  type Message,
  type PublishPacket,
  type Qos,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubscribePacket,
} from '../codec/packet.js';
import { NO_PROPERTIES, type Properties } from '../codec/properties.js';
import { ReasonCode } from '../codec/reason-codes.js';

export function aConnect(different: Partial<ConnectPacket> = {}): ConnectPacket {
  return {
    type: PacketType.connect,
    version: 5,
    clean: true,
    keepAlive: 0,
    clientId: 'client',
    will: undefined,
    username: undefined,
    password: undefined,
    properties: NO_PROPERTIES,
    ...different,
  };
}

export function aMessage(different: Partial<Message> = {}): Message {
  return {
    topic: 'a',
    payload: Buffer.from('x'),
    qos: 0,
    retain: false,
    properties: NO_PROPERTIES,
    ...different,
  };
}

export interface Said extends Partial<Omit<PublishPacket, 'payload' | 'topicBytes' | 'type'>> {
  readonly payload?: string | Uint8Array;
}

/** Of QoS 1 or 2 when it has a packet id and nothing else is said. */
export function aPublish(said: Said = {}): PublishPacket {
  const { topic = 'a', payload = 'x', packetId, qos = packetId === undefined ? 0 : 1 } = said;
  return {
    type: PacketType.publish,
    dup: said.dup ?? false,
    qos,
    retain: said.retain ?? false,
    packetId,
    topic,
    topicBytes: Buffer.from(topic),
    payload: typeof payload === 'string' ? Buffer.from(payload) : Buffer.from(payload),
    properties: said.properties ?? NO_PROPERTIES,
  };
}

export function anAcknowledgement(
  type: AcknowledgementPacket['type'],
  packetId: number,
  reasonCode: ReasonCode = ReasonCode.success,
): AcknowledgementPacket {
  return { type, packetId, reasonCode, properties: NO_PROPERTIES };
}

/** Of one filter, or of more. */
export function aSubscribe(
  filters: string | readonly (Partial<SubscriptionRequest> & { readonly filter: string })[],
  {
    qos = 0,
    packetId = 1,
    properties = NO_PROPERTIES,
  }: { qos?: Qos; packetId?: number; properties?: Properties } = {},
): SubscribePacket {
  const wanted = typeof filters === 'string' ? [{ filter: filters }] : filters;
  return {
    type: PacketType.subscribe,
    packetId,
    subscriptions: wanted.map((request) => ({
      filter: request.filter,
      qos: request.qos ?? qos,
      noLocal: request.noLocal ?? false,
      retainAsPublished: request.retainAsPublished ?? false,
      retainHandling: request.retainHandling ?? 0,
    })),
    properties,
  };
}

export function anUnsubscribe(filters: string | readonly string[], packetId = 1): UnsubscribePacket {
  return {
    type: PacketType.unsubscribe,
    packetId,
    filters: typeof filters === 'string' ? [filters] : filters,
    properties: NO_PROPERTIES,
  };
}

export function aDisconnect(
  reasonCode: ReasonCode = ReasonCode.success,
  properties: Properties = NO_PROPERTIES,
): DisconnectPacket {
  return { type: PacketType.disconnect, reasonCode, properties };
}

export const PINGREQ = { type: PacketType.pingreq } as const;
