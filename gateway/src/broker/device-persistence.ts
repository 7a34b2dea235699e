import { Readable } from 'node:stream';
import type { Subscription } from '@fieldgate/contracts';
import { maySubscribe } from '../sessions/topic-access.js';

/** What aedes calls its clients and packets here; only what we touch. */
interface ClientRef {
  readonly id: string;
}
interface PacketRef {
  readonly messageId?: number;
}
export interface AedesSubscription {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  readonly rh?: number;
  readonly rap?: boolean;
  readonly nl?: boolean;
  readonly subscriptionIdentifier?: number;
}

/** Where subscriptions of kept sessions really live: the session records in the log. */
export interface SubscriptionStore {
  /** Undefined: there is no session to resume. */
  resume(clientId: string): Promise<readonly Subscription[] | undefined>;
  add(clientId: string, subscriptions: readonly Subscription[]): Promise<void>;
  remove(clientId: string, filters: readonly string[]): Promise<void>;
}

/** A PUBACK that is still to come. */
export interface Outbound {
  readonly acknowledged: () => void;
}

/** Packet ids of QoS 2 messages between PUBLISH and PUBREL that one device may have open. */
const MAX_OPEN_QOS2 = 256;

/**
 * Stands for a session without subscriptions: aedes answers Session Present = 1 only where it finds one, and a device that only publishes would
 * otherwise throw its unacknowledged messages away ([MQTT-3.2.2-5]). No device can subscribe or publish to it.
 */
const SESSION_MARK = '$fieldgate/session';

/**
 * aedes' persistence port (aedes-persistence 10), reduced to what a telemetry gateway promises: sessions are in the log, messages for devices come
 * from the commands topic, RETAIN is ignored, and everything else has a bound.
 */
export class DevicePersistence {
  private readonly outbound = new Map<string, Map<number, Outbound>>();
  private readonly openQos2 = new Map<string, Set<number>>();

  constructor(private readonly subscriptions: SubscriptionStore) {}

  // aedes insists on an async function here
  async setup(): Promise<void> {}

  async destroy(): Promise<void> {}

  // ── sessions ──

  async subscriptionsByClient(client: ClientRef): Promise<AedesSubscription[]> {
    const kept = await this.subscriptions.resume(client.id);
    if (!kept) {
      this.openQos2.delete(client.id); // packet ids of a session that is no more: a new message may have the same
      return [];
    }
    return [{ topic: SESSION_MARK, qos: 0 }, ...kept.map(toAedes)];
  }

  async addSubscriptions(client: ClientRef, subscriptions: readonly AedesSubscription[]): Promise<void> {
    const allowed = subscriptions.filter((subscription) => maySubscribe(client.id, subscription.topic));
    if (allowed.length > 0) await this.subscriptions.add(client.id, allowed.map(fromAedes));
  }

  async removeSubscriptions(client: ClientRef, filters: readonly string[]): Promise<void> {
    await this.subscriptions.remove(client.id, filters);
  }

  /** Clean start, or the end of a session that is not to be kept; the next session record says the rest. */
  async cleanSubscriptions(client: ClientRef): Promise<void> {
    this.openQos2.delete(client.id);
  }

  // ── QoS 2 from the device ([MQTT-4.3.3-10]: the id is remembered until PUBREL) ──

  isOpen(clientId: string, messageId: number | undefined): boolean {
    return messageId !== undefined && (this.openQos2.get(clientId)?.has(messageId) ?? false);
  }

  mayOpen(clientId: string): boolean {
    return (this.openQos2.get(clientId)?.size ?? 0) < MAX_OPEN_QOS2;
  }

  async incomingGetPacket(client: ClientRef, packet: PacketRef): Promise<PacketRef> {
    if (!this.isOpen(client.id, packet.messageId)) throw new Error('no such packet');
    return packet;
  }

  async incomingStorePacket(client: ClientRef, packet: PacketRef): Promise<void> {
    if (packet.messageId === undefined) return;
    const open = this.openQos2.get(client.id);
    if (open) open.add(packet.messageId);
    else this.openQos2.set(client.id, new Set([packet.messageId]));
  }

  /** Two PUBRELs in one segment both come here: the second finds nothing, and that is no error. */
  async incomingDelPacket(client: ClientRef, packet: PacketRef): Promise<void> {
    if (packet.messageId !== undefined) this.openQos2.get(client.id)?.delete(packet.messageId);
  }

  // ── to the device: only commands, and they wait in the log ──

  expectAck(clientId: string, messageId: number, outbound: Outbound): void {
    const open = this.outbound.get(clientId);
    if (open) open.set(messageId, outbound);
    else this.outbound.set(clientId, new Map([[messageId, outbound]]));
  }

  isAwaited(clientId: string, messageId: number): boolean {
    return this.outbound.get(clientId)?.has(messageId) ?? false;
  }

  /** Packet ids of an ended connection mean nothing to the next one: an unacknowledged command is not sent again. */
  forget(clientId: string): void {
    this.outbound.delete(clientId);
  }

  async outgoingEnqueue(): Promise<void> {}

  async outgoingEnqueueCombi(): Promise<void> {}

  async outgoingUpdate(): Promise<void> {}

  /** The device's PUBACK. */
  async outgoingClearMessageId(client: ClientRef, packet: PacketRef): Promise<undefined> {
    if (packet.messageId === undefined) return;
    const open = this.outbound.get(client.id);
    const outbound = open?.get(packet.messageId);
    open?.delete(packet.messageId);
    outbound?.acknowledged();
  }

  outgoingStream(): Readable {
    return Readable.from([]);
  }

  async subscriptionsByTopic(): Promise<never[]> {
    return [];
  }

  // ── retained messages and wills ──

  async storeRetained(): Promise<void> {}

  createRetainedStream(): Readable {
    return Readable.from([]);
  }

  createRetainedStreamCombi(): Readable {
    return Readable.from([]);
  }

  /** A will lives and ends with its connection; aedes holds it there and publishes it when the connection ends without a DISCONNECT. */
  async putWill(): Promise<void> {}

  async getWill(): Promise<undefined> {}

  async delWill(): Promise<void> {}

  streamWill(): Readable {
    return Readable.from([]);
  }

  async countOffline(): Promise<{ subsCount: number; clientsCount: number }> {
    return { subsCount: 0, clientsCount: 0 };
  }

  getClientList(): Readable {
    return Readable.from([]);
  }
}

export function isSessionMark(topic: string): boolean {
  return topic === SESSION_MARK;
}

export function fromAedes(subscription: AedesSubscription): Subscription {
  const { topic, qos, rh, rap, nl, subscriptionIdentifier } = subscription;
  return {
    filter: topic,
    qos,
    ...(nl === undefined ? {} : { noLocal: nl }),
    ...(rap === undefined ? {} : { retainAsPublished: rap }),
    ...(rh === undefined ? {} : { retainHandling: rh }),
    ...(subscriptionIdentifier === undefined ? {} : { identifier: subscriptionIdentifier }),
  };
}

function toAedes(subscription: Subscription): AedesSubscription {
  const { filter, qos, noLocal, retainAsPublished, retainHandling, identifier } = subscription;
  return {
    topic: filter,
    qos,
    ...(noLocal === undefined ? {} : { nl: noLocal }),
    ...(retainAsPublished === undefined ? {} : { rap: retainAsPublished }),
    ...(retainHandling === undefined ? {} : { rh: retainHandling }),
    ...(identifier === undefined ? {} : { subscriptionIdentifier: identifier }),
  };
}
