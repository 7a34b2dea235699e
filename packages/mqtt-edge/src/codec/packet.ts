import type { Properties } from './properties.js';
import type { ReasonCode } from './reason-codes.js';

/** 3: MQTT 3.1, 4: MQTT 3.1.1, 5: MQTT 5; the protocol version byte of CONNECT. */
export type ProtocolVersion = 3 | 4 | 5;
/** At most once, at least once, exactly once (4.3). */
export type Qos = 0 | 1 | 2;

/** MQTT 5, table 2-1. The numbers are those on the wire. */
export const PacketType = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;
export type PacketType = (typeof PacketType)[keyof typeof PacketType];

/** What a will and a PUBLISH have in common. */
export interface Message {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
  readonly retain: boolean;
  /** MQTT 5; empty in older versions. */
  readonly properties: Properties;
}

/** 3.1; of MQTT 3.1 and 3.1.1 too, where `properties` is empty. Keep-alive in seconds, 0: none. */
export interface ConnectPacket {
  readonly type: typeof PacketType.connect;
  readonly version: ProtocolVersion;
  /** MQTT 5: clean start; before: clean session. */
  readonly clean: boolean;
  /** Seconds; 0: none. */
  readonly keepAlive: number;
  readonly clientId: string;
  readonly will: Message | undefined;
  readonly username: string | undefined;
  readonly password: Buffer | undefined;
  readonly properties: Properties;
}

/** 3.2. Before MQTT 5 `reasonCode` is the return code of 3.1.1, table 3.1. */
export interface ConnackPacket {
  readonly type: typeof PacketType.connack;
  readonly sessionPresent: boolean;
  /** MQTT 5: a reason code. MQTT 3.1 and 3.1.1: the return code 0 to 5, as it stands on the wire. */
  readonly reasonCode: number;
  readonly properties: Properties;
}

/**
 * The one packet that is read by the hundred thousand: topic and payload are views of the bytes that arrived, and the topic becomes a
 * string when it is asked for.
 */
export interface PublishPacket {
  readonly type: typeof PacketType.publish;
  readonly dup: boolean;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Undefined with QoS 0. */
  readonly packetId: number | undefined;
  /** UTF-8, checked. Empty: the topic alias says it (MQTT 5). */
  readonly topicBytes: Buffer;
  readonly topic: string;
  readonly payload: Buffer;
  readonly properties: Properties;
}

/** PUBACK, PUBREC, PUBREL and PUBCOMP (3.4 to 3.7). Before MQTT 5 `reasonCode` is 0. */
export interface AcknowledgementPacket {
  readonly type:
    | typeof PacketType.puback
    | typeof PacketType.pubrec
    | typeof PacketType.pubrel
    | typeof PacketType.pubcomp;
  readonly packetId: number;
  /** 0 before MQTT 5. */
  readonly reasonCode: ReasonCode;
  readonly properties: Properties;
}

/** One filter of a SUBSCRIBE and its options (3.8.3.1); before MQTT 5 only `qos`, the others are false and 0. */
export interface SubscriptionRequest {
  readonly filter: string;
  readonly qos: Qos;
  /** MQTT 5; false before. */
  readonly noLocal: boolean;
  /** MQTT 5; false before. */
  readonly retainAsPublished: boolean;
  /** MQTT 5; 0 before: send retained messages at the subscribe. 1: only at a new one. 2: never. */
  readonly retainHandling: 0 | 1 | 2;
}

/** 3.8. At least one filter ([MQTT-3.8.3-2]). */
export interface SubscribePacket {
  readonly type: typeof PacketType.subscribe;
  readonly packetId: number;
  readonly subscriptions: readonly SubscriptionRequest[];
  readonly properties: Properties;
}

/** 3.9. One code for each filter, in their order ([MQTT-3.9.3-1]); before MQTT 5 every failure is written as 0x80. */
export interface SubackPacket {
  readonly type: typeof PacketType.suback;
  readonly packetId: number;
  /** One for each filter: the granted QoS, or why not (before MQTT 5: 0x80). */
  readonly reasonCodes: readonly ReasonCode[];
  readonly properties: Properties;
}

/** 3.10. At least one filter ([MQTT-3.10.3-2]). */
export interface UnsubscribePacket {
  readonly type: typeof PacketType.unsubscribe;
  readonly packetId: number;
  readonly filters: readonly string[];
  readonly properties: Properties;
}

/** 3.11. One code for each filter; before MQTT 5 there are none on the wire. */
export interface UnsubackPacket {
  readonly type: typeof PacketType.unsuback;
  readonly packetId: number;
  /** One for each filter; not on the wire before MQTT 5, and then empty when decoded. */
  readonly reasonCodes: readonly ReasonCode[];
  readonly properties: Properties;
}

/** PINGREQ and PINGRESP (3.12, 3.13). */
export interface PingPacket {
  readonly type: typeof PacketType.pingreq | typeof PacketType.pingresp;
}

/** 3.14. Before MQTT 5 only a client sends it, and without a reason code: 0. */
export interface DisconnectPacket {
  readonly type: typeof PacketType.disconnect;
  /** 0 before MQTT 5. */
  readonly reasonCode: ReasonCode;
  readonly properties: Properties;
}

/** MQTT 5. */
export interface AuthPacket {
  readonly type: typeof PacketType.auth;
  readonly reasonCode: ReasonCode;
  readonly properties: Properties;
}

/** Every packet of MQTT, told apart by `type`. */
export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AcknowledgementPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingPacket
  | DisconnectPacket
  | AuthPacket;

/**
 * Bytes that are no MQTT, as a value: nothing in the codec throws because of what arrived. After one, the connection has to be closed:
 * where the next packet begins is not known.
 */
export interface ProtocolViolation {
  readonly violation: true;
  /** What MQTT 5 says in DISCONNECT or CONNACK: mostly 0x81 (malformed packet) or 0x82 (protocol error). */
  readonly reasonCode: ReasonCode;
  /** For the Reason String and the log: what is wrong, without the bytes. */
  readonly reason: string;
  /** The statement that is broken, `MQTT-2.1.3-1`, or the section, `3.1.2.3`. */
  readonly clause: string;
  /** Of the packet in which it was found; undefined before there was one. */
  readonly packetType: PacketType | undefined;
}
