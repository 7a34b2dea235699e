import type { InboundPublish } from '../codec/inbound-publish.js';
import type { ConnectPacket, Message, SubscribePacket, UnsubscribePacket } from '../codec/packet.js';
import type { Properties } from '../codec/properties.js';
import type { ReasonCode } from '../codec/reason-codes.js';
import type { SessionState } from './session-state.js';

/** Why a connection is over. */
export type EndReason =
  /** DISCONNECT of the client; `reasonCode` is its. */
  | 'disconnected'
  /** The stream ended or broke without one. */
  | 'lost'
  /** `close` or `refuse` was called; `reasonCode` is what it was called with. */
  | 'closed'
  /** What came was no MQTT, or not what may come now. */
  | 'protocol-error'
  | 'keep-alive-timeout'
  | 'connect-timeout'
  /** It did not read what was written to it. */
  | 'drain-timeout';

/** What is left of a connection that is over. */
export interface ConnectionEnd {
  readonly reason: EndReason;
  readonly reasonCode: ReasonCode;
  /** A sentence for the log; undefined when there is nothing to add. */
  readonly detail: string | undefined;
  /** To be published now, or after its Will Delay Interval if the session lasts that long ([MQTT-3.1.3-9]); undefined: none, or given up. */
  readonly will: Message | undefined;
  /** Seconds, as CONNECT or DISCONNECT has it; 0xFFFFFFFF: never. Before MQTT 5: 0 with clean session, else never. */
  readonly sessionExpiry: number;
}

/**
 * What stands behind a connection and decides. Called in the order of the packets, never before `connect` and never after `closed`, which is
 * the last call and comes once for every connection whose CONNECT was handed over.
 */
export interface ConnectionHandler {
  /** To be answered with `accept` or `refuse`, at once or later; until then nothing else is read. */
  connect(packet: ConnectPacket): void;
  /**
   * QoS 1 and 2: to be answered with `settle(delivery)`, in any order; the client gets its acknowledgements in the order of its messages
   * ([MQTT-4.6.0-2]). `topic` is the message's, or the one that its alias stands for. A repeat of a QoS 2 message does not come here. QoS 0: `delivery` is -1.
   * A QoS 2 message is to be settled also after `closed`, with a code from 0x80 when it was not taken: its repeat on the next connection waits for that.
   */
  publish(message: InboundPublish, topic: string, delivery: number): void;
  /** To be answered with `suback`. */
  subscribe(packet: SubscribePacket): void;
  /** To be answered with `unsuback`. */
  unsubscribe(packet: UnsubscribePacket): void;
  closed(end: ConnectionEnd): void;
}

/** With what a client is let in: becomes its CONNACK (3.2). */
export interface Acceptance {
  /** What the client has of an earlier connection, or a new one. */
  readonly session: SessionState;
  readonly sessionPresent: boolean;
  /** For a client that left its id empty. */
  readonly assignedClientId?: string;
  /** Seconds, instead of what the client asked for. MQTT 5 only. */
  readonly serverKeepAlive?: number;
  /** Beside those that follow from the limits. MQTT 5 only. */
  readonly properties?: Properties;
}

/** A PUBLISH to the client (3.3). The payload is sent as it is when its turn has come: it must not change until then. */
export interface OutboundMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** A topic alias and a message expiry in it are not sent: aliases are of one connection, and the expiry is `expiresAt`. */
  readonly properties: Omit<Properties, 'topicAlias' | 'messageExpiryInterval'>;
  /** Milliseconds of the clock; after it the message is not sent ([MQTT-3.3.2-5]), before it the client is told what is left. */
  readonly expiresAt?: number;
  /** What became of it; called at most once, and for QoS 0 only when it was dropped. */
  readonly done?: (outcome: OutboundOutcome) => void;
}

/** What became of a message. Of those that were never sent, another try brings no second one. */
export type OutboundOutcome =
  /** PUBACK or PUBCOMP. */
  | 'acknowledged'
  /** The client said so with a reason code from 0x80. */
  | 'refused'
  /** It was sent, and nothing will tell whether it has come: its session is over, or the client's new connection takes none so large. */
  | 'lost'
  // from here: it was never sent
  | 'expired'
  /** Larger than the client takes, or with a string that no packet can hold (65,535 bytes). */
  | 'too-large'
  | 'queue-full'
  /** Its connection is not open, or its session is over. */
  | 'abandoned';
