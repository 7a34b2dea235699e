import { checkSome } from './check-limits.js';
import { InboundState } from './inbound-state.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';
import { OutboundQueue } from './outbound-queue.js';

/** Bytes that are left out are those of `DEFAULT_LIMITS`: no queue is without a bound. */
export type QueueLimits = Pick<Limits, 'queueMaximum'> & Partial<Pick<Limits, 'queueMaximumBytes'>>;

/**
 * What client and server remember of each other beyond a connection (MQTT 5, 4.1), but for the subscriptions, which are for who stands behind the
 * connection: QoS 2 messages of the client, and the messages for it.
 */
export class SessionState {
  readonly outbound: OutboundQueue;

  /** `inbound`: of an earlier one that goes on here. */
  constructor(
    { queueMaximum, queueMaximumBytes = DEFAULT_LIMITS.queueMaximumBytes }: QueueLimits,
    readonly inbound = new InboundState(),
  ) {
    checkSome({ queueMaximum, queueMaximumBytes }, ['queueMaximum', 'queueMaximumBytes']);
    this.outbound = new OutboundQueue(queueMaximum, queueMaximumBytes);
  }
}
