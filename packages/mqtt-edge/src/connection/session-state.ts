import type { Limits } from './limits.js';
import { OutboundQueue } from './outbound-queue.js';

export type QueueLimits = Pick<Limits, 'queueMaximum'> & Partial<Pick<Limits, 'queueMaximumBytes'>>;

/**
 * What client and server remember of each other beyond a connection (MQTT 5, 4.1), but for the subscriptions, which are for who stands behind the
 * connection: ids of QoS 2 messages that have been answered with PUBREC and wait for PUBREL, and the messages for the client.
 */
export class SessionState {
  /** [MQTT-4.3.3-10]: a message with one of these ids is a repeat. */
  readonly received: Set<number>;
  readonly outbound: OutboundQueue;

  /** `received`: the ids of an earlier one that goes on here. */
  constructor(limits: QueueLimits, received: ReadonlySet<number> = new Set()) {
    this.received = new Set(received);
    this.outbound = new OutboundQueue(limits.queueMaximum, limits.queueMaximumBytes);
  }
}
