import type { DeviceRecord, MintId, SessionWill, Subscription, TelemetryWriter } from '@fieldgate/contracts';
import type { DeviceShare } from '../ingest/device-share.js';
import type { SessionCounters } from '../ledger/session-counters.js';

/** What the gateway may do to the connection behind a session. */
export interface DeviceLink {
  /**
   * MQTT 5: a DISCONNECT with this reason code (section 3.14.2.1) goes first; 3.1.1 has none, its connection is just closed. False when it was
   * being closed already.
   */
  close(reason: CloseReason): boolean;
  /** False when the connection is closing already. */
  send(message: OutboundCommand): boolean;
  /** Whether the device takes a packet of this size. */
  fits(message: OutboundCommand): boolean;
  /** When the message came that has waited for its acknowledgement for longest, ms of the monotonic clock; undefined when none waits. */
  readonly oldestUnsettled: number | undefined;
  /** How many wait. */
  readonly unsettled: number;
}

export interface OutboundCommand {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1;
  /** MQTT 5 only; ignored for 3.1.1. */
  readonly properties: {
    readonly responseTopic: string;
    readonly correlationData: Uint8Array;
    readonly messageExpirySeconds: number;
    readonly contentType: string;
    /** Of the subscriptions that ask for it ([MQTT-3.3.4-3]). */
    readonly subscriptionIdentifiers: readonly number[];
  };
  /** The device's PUBACK; never called for QoS 0. */
  readonly acknowledged: () => void;
  /** It was never sent: too large for the device, too many waited, or its time was over before it had its turn. */
  readonly dropped: (why: 'too-large' | 'queue-full' | 'expired') => void;
}

/**
 * What the log says of a session. `unread`: its record has not been read back. `newest`: it is the newest of its device, and commands may go here.
 * `disputed`: somebody ended an older connection too late, or took this gateway for lost; the record is being restored. `superseded`: the
 * device is connected elsewhere.
 */
export type Standing = 'unread' | 'newest' | 'disputed' | 'superseded';

/** One device, connected to this gateway: from an accepted CONNECT to the end of the connection. */
export interface DeviceSession {
  readonly deviceId: string;
  /** Random; names this connection in session records and command steps. */
  readonly connection: string;
  readonly link: DeviceLink;
  /** The registration that it logged in with: a change of it ends the session. */
  readonly registration: Pick<DeviceRecord, 'creationId' | 'secretVersion'>;
  readonly protocol: '3.1' | '3.1.1' | '5';
  readonly connectedAt: number;
  readonly keepAliveSeconds: number;
  /** Whether it goes on with an earlier session: what the CONNACK says. */
  readonly resumed: boolean;
  /** `devices/{deviceId}/` */
  readonly topicPrefix: string;
  /** What of the device waits for the log; undefined when it is not connected here. */
  readonly share?: DeviceShare;
  /** Told of each message where it stands in the log. */
  readonly wantsReceipts?: boolean;
  /** The first topic that was seen to be its telemetry: the same text comes again with each message. */
  telemetryTopic?: string;
  /** Made with its first telemetry: most sessions are silent for most of the time. */
  writer?: TelemetryWriter;
  /** For what it sends without an id; where it has a share, that of the share is meant. */
  mintId?: MintId;
  /** A line was written about it. */
  isClockDoubted?: boolean;
  /** For the ledger; made with its first message. */
  counters?: SessionCounters;
  expirySeconds: number;
  /** What is to be published when its connection has ended; undefined: nothing, or taken back. */
  will: SessionWill | undefined;
  subscriptions: readonly Subscription[];
  standing: Standing;
  closed: boolean;
}

/** Why the gateway ends a connection: what MQTT 5 devices are told (reason codes: table 3-10), and what stands in `disconnected`. */
export const CLOSE_REASONS = {
  'device-deleted': { reasonCode: 0x87, says: 'the device was deleted' },
  'secret-changed': { reasonCode: 0x87, says: 'the secret of the device has changed' },
  'log-unavailable': { reasonCode: 0x89, says: 'the log does not answer' },
  'internal-error': { reasonCode: 0x83, says: 'the gateway has failed on a message, and logged it' },
  'topic-forbidden': { reasonCode: 0x87, says: 'a device may publish below its own topics only' },
  'too-fast': { reasonCode: 0x96, says: 'too many messages a second for a minute' },
  'session-gone': {
    reasonCode: 0x89,
    says: 'the session that was resumed turned out to be over: connect again',
  },
  'taken-over': { reasonCode: 0x8e, says: 'session taken over by another connection' },
} as const;
export type CloseReason = keyof typeof CLOSE_REASONS;

/** Why a connection has ended. */
export type DisconnectReason =
  | CloseReason
  /** The device sent DISCONNECT. */
  | 'client-disconnected'
  /** The network ended it, without a word. */
  | 'connection-lost'
  | 'keep-alive-timeout'
  /** It did not read what was sent to it. */
  | 'drain-timeout'
  | 'packet-too-large'
  | 'protocol-error'
  /** More messages without an answer, or QoS 2 messages without PUBREL, than the Receive Maximum. */
  | 'receive-maximum-exceeded'
  | 'gateway-stopping';
