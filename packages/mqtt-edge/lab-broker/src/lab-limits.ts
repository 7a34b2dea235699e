import { DEFAULT_LIMITS, type Limits } from '@fieldgate/mqtt-edge';

/** What the lab broker takes, of one client and of all. */
export interface LabLimits extends Limits {
  readonly connections: number;
  /** Of clients that are here and of those that may come back; the one that has been away for longest goes first. */
  readonly sessions: number;
  readonly subscriptionsPerClient: number;
  /** What stands behind them in one SUBSCRIBE is refused, so that a packet costs no more time than others can wait. */
  readonly filtersPerSubscribe: number;
  /** Bytes of their filters and of the tree that holds them, about. */
  readonly subscriptionBytesPerClient: number;
  readonly retainedMessages: number;
  readonly retainedBytes: number;
}

export const LAB_LIMITS: LabLimits = {
  ...DEFAULT_LIMITS,
  maximumPacketSize: 1_048_576,
  connectPacketSize: 1_048_576,
  receiveMaximum: 20,
  topicAliasMaximum: 10,
  sessionExpiryMaximum: 0xffff_ffff,
  sendMaximum: 100,
  connections: 10_000,
  sessions: 10_000,
  subscriptionsPerClient: 1_000,
  filtersPerSubscribe: 50,
  subscriptionBytesPerClient: 1_048_576,
  retainedMessages: 1_000,
  retainedBytes: 16 * 1_048_576,
};
