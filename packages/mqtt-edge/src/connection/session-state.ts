import type { Limits } from './limits.js';
import { OutboundQueue } from './outbound-queue.js';

export type QueueLimits = Pick<Limits, 'queueMaximum'> & Partial<Pick<Limits, 'queueMaximumBytes'>>;

const NONE: ReadonlySet<number> = new Set();

/**
 * What client and server remember of each other beyond a connection (MQTT 5, 4.1), but for the subscriptions, which are for who stands behind the
 * connection: ids of QoS 2 messages that have been answered with PUBREC and wait for PUBREL, and the messages for the client.
 */
export class SessionState {
  /** Made with the first: most clients never send QoS 2. */
  private ids: Set<number> | undefined;
  readonly outbound: OutboundQueue;

  /** `received`: the ids of an earlier one that goes on here. */
  constructor(limits: QueueLimits, received: ReadonlySet<number> = NONE) {
    if (received.size > 0) this.ids = new Set(received);
    this.outbound = new OutboundQueue(limits.queueMaximum, limits.queueMaximumBytes);
  }

  /** [MQTT-4.3.3-10]: a message with one of these ids is a repeat. */
  get received(): ReadonlySet<number> {
    return this.ids ?? NONE;
  }

  /** To be called with the PUBREC. */
  receive(packetId: number): void {
    (this.ids ??= new Set()).add(packetId);
  }

  /** To be called with the PUBREL. False: it was not received. */
  release(packetId: number): boolean {
    return this.ids?.delete(packetId) ?? false;
  }
}
