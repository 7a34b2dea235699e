import {
  SessionState,
  type Connection,
  type Limits,
  type OutboundMessage,
  type Qos,
  type SubscriptionRequest,
} from '@fieldgate/mqtt-edge';
import type { StoredMessage } from './stored-message.js';

export interface Subscription {
  readonly request: SubscriptionRequest;
  readonly identifier: number | undefined;
}

/** Of one client beyond its connections: what it has subscribed to, and what waits for it. */
export class BrokerSession {
  readonly state: SessionState;
  /** By filter. */
  readonly subscriptions = new Map<string, Subscription>();
  /** Of their filters and the tree. */
  subscriptionBytes = 0;
  /** Of the client that is here now. */
  connection: Connection | undefined;
  /** When it ends unless the client comes back, ms of the clock. */
  endsAt = Infinity;

  constructor(
    readonly clientId: string,
    limits: Limits,
    private readonly now: () => number,
  ) {
    this.state = new SessionState(limits);
  }

  /** One copy, whatever number of its subscriptions match: the highest QoS, and the identifiers of all of them (3.3.4). */
  deliver(message: StoredMessage, matched: readonly Subscription[]): void {
    const keepsRetain = matched.some(({ request }) => request.retainAsPublished); // [MQTT-3.3.1-12], -13
    this.take(message, matched, message.retain && keepsRetain);
  }

  /** A message that stood there before the client subscribed ([MQTT-3.3.1-8]). */
  deliverRetained(message: StoredMessage, subscription: Subscription): void {
    this.take(message, [subscription], true);
  }

  /** The session is over. */
  end(): void {
    this.state.outbound.abandon();
    this.subscriptions.clear();
  }

  private take(message: StoredMessage, matched: readonly Subscription[], retain: boolean): void {
    const outbound = addressed(message, matched, retain);
    if (this.connection?.isOpen) return this.connection.send(outbound);
    if (outbound.qos === 0) return; // for who is there
    this.state.outbound.add(outbound, this.now());
  }
}

function addressed(
  { topic, payload, qos, properties, expiresAt }: StoredMessage,
  matched: readonly Subscription[],
  retain: boolean,
): OutboundMessage {
  const granted = Math.max(...matched.map(({ request }) => request.qos)) as Qos; // of QoS, so one
  const subscriptionIdentifiers = matched.flatMap(({ identifier }) => identifier ?? []);
  return {
    topic,
    payload,
    qos: Math.min(qos, granted) as Qos, // [MQTT-3.8.4-8]
    retain,
    properties: subscriptionIdentifiers.length > 0 ? { ...properties, subscriptionIdentifiers } : properties,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}
