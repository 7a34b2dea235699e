import { InboundState } from './inbound-state.js';
import type { Limits } from './limits.js';
import { OutboundQueue } from './outbound-queue.js';

export type QueueLimits = Pick<Limits, 'queueMaximum'> & Partial<Pick<Limits, 'queueMaximumBytes'>>;

/**
 * What client and server remember of each other beyond a connection (MQTT 5, 4.1), but for the subscriptions, which are for who stands behind the
 * connection: QoS 2 messages of the client, and the messages for it.
 */
export class SessionState {
  readonly outbound: OutboundQueue;

  /** `inbound`: of an earlier one that goes on here. */
  constructor(
    limits: QueueLimits,
    readonly inbound = new InboundState(),
  ) {
    this.outbound = new OutboundQueue(limits.queueMaximum, limits.queueMaximumBytes);
  }
}
