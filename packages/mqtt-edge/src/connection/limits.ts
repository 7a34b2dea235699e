/** What one connection may take of the server, and what its CONNACK tells of it. */
export interface Limits {
  /** Bytes of a packet that the client may send. */
  readonly maximumPacketSize: number;
  /** Bytes of a CONNECT, which strangers send; where `maximumPacketSize` is smaller, that one counts. */
  readonly connectPacketSize: number;
  /**
   * QoS 1 and 2 messages of the client that may be unanswered. MQTT 5: Receive Maximum, more is answered with 0x93. Before: its socket is not
   * read until one is answered.
   */
  readonly receiveMaximum: number;
  /**
   * QoS 2 messages that were answered with PUBREC and may wait for PUBREL; only their ids are kept. Of an MQTT 5 client: those of its earlier
   * connections, beside the Receive Maximum of this one.
   */
  readonly unreleasedMaximum: number;
  /** Topic aliases that an MQTT 5 client may set; 0: none. */
  readonly topicAliasMaximum: number;
  /** Seconds; a client that asks for a longer session gets this one, and is told (3.2.2.3.2 leaves it to the server). */
  readonly sessionExpiryMaximum: number;
  /** Seconds; a client that asks for a longer keep-alive, or for none, is told this one. 0: as the client wants. MQTT 5 only. */
  readonly keepAliveMaximum: number;
  /** QoS 1 and 2 messages that are sent to the client at a time; MQTT 5 clients may ask for fewer. */
  readonly sendMaximum: number;
  /** Messages that wait for the client, beside those that are sent; more are dropped. */
  readonly queueMaximum: number;
  /** Bytes that they take in memory, about: topics, payloads and properties, and 200 a message; the message that would exceed them is dropped. */
  readonly queueMaximumBytes: number;
  /** Milliseconds from the connection to a CONNECT that was accepted or refused. */
  readonly connectTimeoutMs: number;
  /** Milliseconds for which a client may read nothing of what waits for it. */
  readonly drainTimeoutMs: number;
  /** What is not served is told in the CONNACK. Of MQTT 5 clients RETAIN is refused as well (0x9A), and a retained will of any. */
  readonly retainAvailable: boolean;
  /** Told only: what SUBACK answers is for who stands behind the connection. */
  readonly wildcardSubscriptionAvailable: boolean;
  readonly subscriptionIdentifiersAvailable: boolean;
  readonly sharedSubscriptionAvailable: boolean;
}

/** Enough for devices of a few messages a second; what happens at each bound is in the README. */
export const DEFAULT_LIMITS: Limits = {
  maximumPacketSize: 131_072,
  connectPacketSize: 131_072,
  receiveMaximum: 1_000,
  unreleasedMaximum: 10_000,
  topicAliasMaximum: 16,
  sessionExpiryMaximum: 7 * 86_400,
  keepAliveMaximum: 0,
  sendMaximum: 32,
  queueMaximum: 1_000,
  queueMaximumBytes: 8 * 1_048_576,
  connectTimeoutMs: 10_000,
  drainTimeoutMs: 30_000,
  retainAvailable: true,
  wildcardSubscriptionAvailable: true,
  subscriptionIdentifiersAvailable: true,
  sharedSubscriptionAvailable: false,
};

/** Bytes of a packet until a client is let in. */
export function connectSizeOf({ connectPacketSize, maximumPacketSize }: Limits): number {
  return Math.min(connectPacketSize, maximumPacketSize);
}
