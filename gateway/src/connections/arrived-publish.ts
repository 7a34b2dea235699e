import { NO_PROPERTIES, type InboundPublish as Packet, type Properties } from '@fieldgate/mqtt-edge';
import type { InboundPublish, IngestOutcome } from '../ingest/publish.js';
import type { Receipt } from '../ingest/receipt.js';

/** Who answers the device. */
export interface Answering {
  answer(qos: 0 | 1 | 2, delivery: number, outcome: IngestOutcome, receipt?: Receipt): void;
  /** A message that has come holds so many records more than one. */
  holdsMore(records: number): void;
}

/** What of the properties is of use; the others are let go, or 20,000 User Properties would wait for the log. */
type Extras = Pick<InboundPublish, 'contentType' | 'correlationData' | 'status'>;

const NO_EXTRAS: Extras = { contentType: undefined, correlationData: undefined, status: undefined };

/** A PUBLISH on its way through the gateway: one object for each, from the socket to its PUBACK. */
export class ArrivedPublish implements InboundPublish {
  readonly qos: 0 | 1 | 2;
  readonly bytes: Buffer;
  readonly payloadAt: number;
  readonly payloadEnd: number;
  private readonly extras: Extras;

  constructor(
    packet: Packet,
    readonly topic: string,
    private readonly delivery: number,
    private readonly connection: Answering,
  ) {
    this.qos = packet.qos;
    this.bytes = packet.bytes;
    this.payloadAt = packet.payloadAt;
    this.payloadEnd = packet.payloadEnd;
    this.extras = packet.properties === NO_PROPERTIES ? NO_EXTRAS : extrasOf(packet.properties);
  }

  get payload(): Uint8Array {
    return this.bytes.subarray(this.payloadAt, this.payloadEnd);
  }

  get contentType(): string | undefined {
    return this.extras.contentType;
  }

  get correlationData(): Uint8Array | undefined {
    return this.extras.correlationData;
  }

  get status(): string | undefined {
    return this.extras.status;
  }

  holds(records: number): void {
    this.connection.holdsMore(records - 1);
  }

  settle(outcome: IngestOutcome, receipt?: Receipt): void {
    this.connection.answer(this.qos, this.delivery, outcome, receipt);
  }
}

function extrasOf({ contentType, correlationData, userProperties }: Properties): Extras {
  return { contentType, correlationData, status: userProperties?.find(([name]) => name === 'status')?.[1] };
}
