import { PacketType, type ConnackPacket, type ConnectPacket, type ProtocolVersion } from '../codec/packet.js';
import { NO_PROPERTIES, type Properties } from '../codec/properties.js';
import { ReasonCode } from '../codec/reason-codes.js';
import type { Acceptance } from './connection-handler.js';
import type { Limits } from './limits.js';

const NEVER = 0xffff_ffff;

/** Seconds that the session may outlive its connection; 0xFFFFFFFF: until the server ends it (MQTT 5, 3.1.2.11.2; 3.1.1, 3.1.2.4). */
export function sessionExpiryOf({ version, clean, properties }: ConnectPacket, limits: Limits): number {
  if (version < 5) return clean ? 0 : NEVER;
  return Math.min(properties.sessionExpiryInterval ?? 0, limits.sessionExpiryMaximum);
}

/** Seconds ([MQTT-3.1.2-21]: what the server says counts). */
export function keepAliveOf(packet: ConnectPacket, acceptance: Acceptance, limits: Limits): number {
  if (packet.version < 5) return packet.keepAlive;
  if (acceptance.serverKeepAlive !== undefined) return acceptance.serverKeepAlive;
  const { keepAliveMaximum: maximum } = limits;
  return maximum > 0 && (packet.keepAlive === 0 || packet.keepAlive > maximum) ? maximum : packet.keepAlive;
}

/** CONNACK of a connection that is let in: what the limits say, where it differs from what a client must believe without a word. */
export function connackFor(packet: ConnectPacket, acceptance: Acceptance, limits: Limits): ConnackPacket {
  const properties =
    packet.version === 5
      ? { ...capabilities(packet, acceptance, limits), ...acceptance.properties }
      : NO_PROPERTIES;
  return {
    type: PacketType.connack,
    sessionPresent: acceptance.sessionPresent && !packet.clean, // [MQTT-3.2.2-2]
    reasonCode: ReasonCode.success,
    properties,
  };
}

function capabilities(packet: ConnectPacket, acceptance: Acceptance, limits: Limits): Properties {
  const { assignedClientId } = acceptance;
  const expiry = sessionExpiryOf(packet, limits);
  const keepAlive = keepAliveOf(packet, acceptance, limits);
  return {
    ...(expiry === (packet.properties.sessionExpiryInterval ?? 0) ? {} : { sessionExpiryInterval: expiry }),
    ...(assignedClientId === undefined ? {} : { assignedClientIdentifier: assignedClientId }),
    ...(keepAlive === packet.keepAlive ? {} : { serverKeepAlive: keepAlive }),
    receiveMaximum: limits.receiveMaximum,
    maximumPacketSize: limits.maximumPacketSize,
    ...(limits.topicAliasMaximum > 0 ? { topicAliasMaximum: limits.topicAliasMaximum } : {}),
    ...(limits.retainAvailable ? {} : { retainAvailable: 0 }),
    ...(limits.wildcardSubscriptionAvailable ? {} : { wildcardSubscriptionAvailable: 0 }),
    ...(limits.subscriptionIdentifiersAvailable ? {} : { subscriptionIdentifiersAvailable: 0 }),
    ...(limits.sharedSubscriptionAvailable ? {} : { sharedSubscriptionAvailable: 0 }),
  };
}

/** CONNACK of a connection that is not let in; undefined where the version has no word for the reason and the stream is just closed. */
export function refusalFor(
  version: ProtocolVersion,
  reasonCode: ReasonCode,
  properties: Properties,
): ConnackPacket | undefined {
  const code = version === 5 ? reasonCode : RETURN_CODES.get(reasonCode);
  if (code === undefined) return undefined;
  return {
    type: PacketType.connack,
    sessionPresent: false,
    reasonCode: code,
    properties: version === 5 ? properties : NO_PROPERTIES,
  };
}

/** MQTT 3.1.1, table 3.1. */
const RETURN_CODES: ReadonlyMap<ReasonCode, number> = new Map([
  [ReasonCode.unsupportedProtocolVersion, 1],
  [ReasonCode.clientIdentifierNotValid, 2],
  [ReasonCode.serverUnavailable, 3],
  [ReasonCode.serverBusy, 3],
  [ReasonCode.serverShuttingDown, 3],
  [ReasonCode.badUserNameOrPassword, 4],
  [ReasonCode.notAuthorized, 5],
  [ReasonCode.banned, 5],
]);

/** Reason String, unless the client does not want any ([MQTT-3.1.2-29]), or nothing is known of it. */
export function explained(packet: ConnectPacket | undefined, reason: string | undefined): Properties {
  if (reason === undefined || packet?.properties.requestProblemInformation === 0) return NO_PROPERTIES;
  return { reasonString: reason };
}

/** What a PUBACK or PUBREC says beside its code; undefined: nothing. */
export function saidOf(
  packet: ConnectPacket,
  reason: string | undefined,
  properties: Properties | undefined,
): Properties | undefined {
  if (reason === undefined && properties === undefined) return undefined;
  if (packet.version < 5 || packet.properties.requestProblemInformation === 0) return undefined; // [MQTT-3.1.2-29]
  return { ...properties, ...explained(packet, reason) };
}

/** A will waits as long as its connection lasts: its bytes must not keep the chunk that CONNECT came in, with the password in it. */
export function withOwnWill(packet: ConnectPacket): ConnectPacket {
  const { will } = packet;
  if (will === undefined) return packet;
  const { correlationData } = will.properties;
  const properties =
    correlationData === undefined
      ? will.properties
      : { ...will.properties, correlationData: copyOf(correlationData) };
  return { ...packet, will: { ...will, payload: copyOf(will.payload), properties } };
}

/** With memory of its own: `Buffer.from` would take it of a pool that others keep as well. */
function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.alloc(bytes.length);
  bytes.copy(copy);
  return copy;
}

/** It has served its purpose; who is let in may stay for months. */
export function withoutPassword(packet: ConnectPacket): ConnectPacket {
  return packet.password === undefined ? packet : { ...packet, password: undefined };
}
