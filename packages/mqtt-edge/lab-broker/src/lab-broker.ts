import type { Duplex } from 'node:stream';
import {
  isSharedFilter,
  ReasonCode,
  type Connection,
  type ConnectionEnd,
  type ConnectPacket,
  type Message,
  type SubscriptionRequest,
} from '@fieldgate/mqtt-edge';
import { BrokerSession, type Subscription } from './broker-session.js';
import { LabClient } from './lab-client.js';
import { LAB_LIMITS, type LabLimits } from './lab-limits.js';
import { RetainedMessages } from './retained.js';
import { stored, type StoredMessage } from './stored-message.js';
import { MAXIMUM_LEVELS, SubscriptionTree } from './subscription-tree.js';
import { Wills } from './wills.js';

const MS = 1_000;
const NEVER = 0xffff_ffff;
/** Bytes of a level in the tree, about. */
const LEVEL_BYTES = 256;

export interface LabBrokerOptions {
  readonly limits?: Partial<LabLimits>;
  readonly now: () => number;
  /** A client id that nobody has. */
  readonly newClientId: () => string;
}

/** A broker for everybody and every topic, in memory: what conformance suites and other people's clients are run against. */
export class LabBroker {
  readonly limits: LabLimits;
  readonly now: () => number;
  readonly newClientId: () => string;
  private readonly connections = new Set<Connection>();
  private readonly sessions = new Map<string, BrokerSession>();
  private readonly tree = new SubscriptionTree<BrokerSession, Subscription>();
  private readonly retained: RetainedMessages;
  private readonly wills: Wills;

  constructor({ limits, now, newClientId }: LabBrokerOptions) {
    this.limits = { ...LAB_LIMITS, ...limits };
    this.now = now;
    this.newClientId = newClientId;
    const { retainedMessages: messages, retainedBytes: bytes } = this.limits;
    this.retained = new RetainedMessages({ messages, bytes });
    this.wills = new Wills((clientId, will) => this.publishWill(clientId, will));
  }

  /** Serves a client on this stream until it ends. */
  accept(stream: Duplex): void {
    const { connection } = new LabClient(this, stream);
    this.connections.add(connection);
    stream.once('close', () => this.connections.delete(connection));
  }

  /** To be called once a second. */
  tick(): void {
    const now = this.now();
    for (const connection of this.connections) connection.tick();
    for (const session of this.sessions.values()) if (session.endsAt <= now) this.end(session);
    this.wills.tick(now);
    this.retained.sweep(now);
  }

  /** Tells everyone to go. */
  stop(): void {
    for (const connection of this.connections) connection.close(ReasonCode.serverShuttingDown);
  }

  /** The session of a client that is let in: who had its id before has to go ([MQTT-3.1.4-3]). Undefined: there is no room. */
  open(clientId: string, { clean }: ConnectPacket): { session: BrokerSession; isOld: boolean } | undefined {
    this.sessions
      .get(clientId)
      ?.connection?.close(ReasonCode.sessionTakenOver, 'the client id has connected again');
    const old = this.sessions.get(clientId);
    if (old && !clean) {
      this.wills.giveUp(clientId);
      old.endsAt = Infinity;
      return { session: old, isOld: true };
    }
    if (old) this.end(old);
    if (!this.hasRoom()) return undefined;
    const session = new BrokerSession(clientId, this.limits, this.now);
    this.sessions.set(clientId, session);
    return { session, isOld: false };
  }

  left(session: BrokerSession, { will, sessionExpiry }: ConnectionEnd): void {
    const now = this.now();
    session.connection = undefined;
    if (will) this.wills.leave(session.clientId, will, { sessionExpiry, now });
    if (sessionExpiry === 0) return this.end(session);
    session.endsAt = sessionExpiry === NEVER ? Infinity : now + sessionExpiry * MS;
    this.sessions.delete(session.clientId); // behind those that are away for longer
    this.sessions.set(session.clientId, session);
  }

  /** False: it was delivered, but there is no room to retain it. */
  publish(message: StoredMessage, from: BrokerSession | undefined): boolean {
    const isKept = !message.retain || this.retained.keep(message);
    const matched = new Map<BrokerSession, Subscription[]>();
    this.tree.match(message.topic, (session, subscription) => {
      if (subscription.request.noLocal && session === from) return; // [MQTT-3.8.3-3]
      const others = matched.get(session);
      if (others) others.push(subscription);
      else matched.set(session, [subscription]);
    });
    for (const [session, subscriptions] of matched) session.deliver(message, subscriptions);
    return isKept;
  }

  /** The granted QoS, or why not; and what is retained for the new subscription, to be sent behind the SUBACK. */
  subscribe(
    session: BrokerSession,
    request: SubscriptionRequest,
    identifier: number | undefined,
  ): { code: ReasonCode; retained: readonly StoredMessage[]; subscription: Subscription } {
    const { filter, qos, retainHandling } = request;
    const subscription = { request, identifier };
    const refusal = this.refusalOf(session, filter);
    if (refusal !== undefined) return { code: refusal, retained: [], subscription };
    const isNew = this.tree.set(filter, session, subscription) === undefined;
    if (isNew) session.subscriptionBytes += bytesOf(filter);
    session.subscriptions.set(filter, subscription);
    const isTold = retainHandling === 0 || (retainHandling === 1 && isNew); // [MQTT-3.3.1-9] to -11
    return { code: qos, retained: isTold ? this.retained.matching(filter, this.now()) : [], subscription };
  }

  /** What a client is told that has reached it. */
  get subscriptionLimit(): string {
    const { subscriptionsPerClient, subscriptionBytesPerClient, filtersPerSubscribe } = this.limits;
    return `at most ${subscriptionsPerClient} subscriptions of ${subscriptionBytesPerClient} bytes in all, ${filtersPerSubscribe} at a time`;
  }

  unsubscribe(session: BrokerSession, filter: string): ReasonCode {
    if (!session.subscriptions.delete(filter)) return ReasonCode.noSubscriptionExisted;
    this.tree.delete(filter, session);
    session.subscriptionBytes -= bytesOf(filter);
    return ReasonCode.success;
  }

  private refusalOf(session: BrokerSession, filter: string): ReasonCode | undefined {
    const { subscriptions, subscriptionBytes, connection } = session;
    if (connection?.version === 5 && isSharedFilter(filter))
      return ReasonCode.sharedSubscriptionsNotSupported;
    if (levelsOf(filter) > MAXIMUM_LEVELS) return ReasonCode.topicFilterInvalid;
    if (subscriptions.has(filter)) return undefined;
    const { subscriptionsPerClient, subscriptionBytesPerClient } = this.limits;
    const isFull =
      subscriptions.size >= subscriptionsPerClient ||
      subscriptionBytes + bytesOf(filter) > subscriptionBytesPerClient;
    return isFull ? ReasonCode.quotaExceeded : undefined;
  }

  private hasRoom(): boolean {
    if (this.sessions.size < this.limits.sessions) return true;
    for (const session of this.sessions.values()) {
      if (session.connection) continue;
      this.end(session);
      return true;
    }
    return false;
  }

  private end(session: BrokerSession): void {
    this.sessions.delete(session.clientId);
    for (const filter of session.subscriptions.keys()) this.tree.delete(filter, session);
    session.end();
    this.wills.sessionEnded(session.clientId);
  }

  private publishWill(clientId: string, will: Message): void {
    this.publish(stored(will, will.topic, this.now()), this.sessions.get(clientId));
  }
}

function levelsOf(filter: string): number {
  return filter.split('/', MAXIMUM_LEVELS + 1).length;
}

function bytesOf(filter: string): number {
  return filter.length + LEVEL_BYTES * levelsOf(filter);
}
