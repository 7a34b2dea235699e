import type { Rejection } from '@fieldgate/contracts';
import type { Receipt } from './receipt.js';

/** A PUBLISH as its connection hands it over (or a will, when that has ended). */
export interface InboundPublish {
  readonly topic: string;
  readonly qos: 0 | 1 | 2;
  /** Nobody waits for an answer to it, whatever its QoS. */
  readonly isWill?: boolean;
  /** Of a will that the log did not take before: the metrics have it already. */
  readonly isAgain?: boolean;
  /** What arrived, with other bytes around it: the payload is `bytes[payloadAt..payloadEnd)`. */
  readonly bytes: Uint8Array;
  readonly payloadAt: number;
  readonly payloadEnd: number;
  /** A view of the payload, made with each call. */
  readonly payload: Uint8Array;
  /** MQTT 5 Content Type. */
  readonly contentType: string | undefined;
  /** MQTT 5 Correlation Data and the first user property `status`. */
  readonly correlationData: Uint8Array | undefined;
  readonly status: string | undefined;
  /** To be called when it turns out to be an array (or a pack) of so many records. */
  holds(records: number): void;
  /** To be called once, when the message may be answered; not at all when the gateway is stopping. `receipt`: for a session that wants it. */
  settle(outcome: IngestOutcome, receipt?: Receipt): void;
}

/**
 * What becomes of a PUBLISH. `acknowledge`: durable as a record. A rejection: durable as a dead letter, and MQTT 5 devices are told why. `forbidden`: not
 * its topic. `unavailable`: the log is away: no acknowledgement, the connection is closed, the device sends again.
 */
export type IngestOutcome = 'acknowledge' | 'forbidden' | 'unavailable' | Rejection;
