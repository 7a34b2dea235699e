import type { InboundPublish as Packet } from '@fieldgate/mqtt-edge';
import type { InboundPublish, IngestOutcome } from '../ingest/publish.js';

/** Who answers the device. */
export interface Answering {
  answer(qos: 0 | 1 | 2, delivery: number, outcome: IngestOutcome): void;
}

/** A PUBLISH on its way through the gateway: one object for each, from the socket to its PUBACK. */
export class ArrivedPublish implements InboundPublish {
  constructor(
    private readonly packet: Packet,
    readonly topic: string,
    private readonly delivery: number,
    private readonly connection: Answering,
  ) {}

  get qos(): 0 | 1 | 2 {
    return this.packet.qos;
  }

  get bytes(): Uint8Array {
    return this.packet.bytes;
  }

  get payloadAt(): number {
    return this.packet.payloadAt;
  }

  get payloadEnd(): number {
    return this.packet.payloadEnd;
  }

  get payload(): Uint8Array {
    return this.packet.payload;
  }

  get contentType(): string | undefined {
    return this.packet.properties.contentType;
  }

  get correlationData(): Uint8Array | undefined {
    return this.packet.properties.correlationData;
  }

  get status(): string | undefined {
    return this.packet.properties.userProperties?.find(([name]) => name === 'status')?.[1];
  }

  settle(outcome: IngestOutcome): void {
    this.connection.answer(this.packet.qos, this.delivery, outcome);
  }
}
