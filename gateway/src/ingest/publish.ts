import type { Rejection } from '@fieldgate/contracts';

/** A PUBLISH as its connection hands it over (or a will, when that has ended). */
export interface InboundPublish {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: 0 | 1 | 2;
  /** MQTT 5 Correlation Data and the first user property `status`. */
  readonly correlationData?: Uint8Array;
  readonly status?: string;
}

/**
 * What becomes of a PUBLISH. `acknowledge`: durable as a record. A rejection: durable as a dead letter, and MQTT 5 devices are told why. `forbidden`: not
 * its topic. `unavailable`: the log is away: no acknowledgement, the connection is closed, the device sends again.
 */
export type IngestOutcome = 'acknowledge' | 'forbidden' | 'unavailable' | Rejection;
