import type { Duplex } from 'node:stream';
import type { InboundPublish } from '../codec/inbound-publish.js';
import { PacketType, type AcknowledgementPacket, type ConnectPacket } from '../codec/packet.js';
import type { Properties } from '../codec/properties.js';
import type { ReasonCode } from '../codec/reason-codes.js';
import type { ConnectionHandler, OutboundMessage } from './connection-handler.js';
import type { Limits } from './limits.js';
import type { Outbox } from './outbox.js';
import { Receiver } from './receiver.js';
import { Sender } from './sender.js';
import type { SessionState } from './session-state.js';

export interface ExchangeOptions {
  readonly stream: Duplex;
  readonly outbox: Outbox;
  readonly connect: ConnectPacket;
  readonly session: SessionState;
  readonly limits: Limits;
  readonly handler: Pick<ConnectionHandler, 'publish'>;
  /** The client has broken a rule, and the connection must end. */
  readonly broken: (detail: string, reasonCode: ReasonCode) => void;
  /** There may be room for more of the client's messages. */
  readonly readOn: () => void;
  readonly now: () => number;
}

/** The messages of a connection that was accepted, in both directions. */
export class Exchange {
  private readonly sender: Sender;
  private readonly receiver: Receiver;

  constructor(options: ExchangeOptions) {
    this.sender = new Sender(options);
    this.receiver = new Receiver(options);
  }

  get oldestUnsettled(): number | undefined {
    return this.receiver.oldestUnsettled;
  }

  get unsettled(): number {
    return this.receiver.unsettled;
  }

  resume(): void {
    this.sender.resume();
  }

  take(packet: InboundPublish | AcknowledgementPacket): void {
    if (packet.type === PacketType.publish) this.receiver.onPublish(packet);
    else if (packet.type === PacketType.pubrel) this.receiver.onPubrel(packet);
    else this.sender.onAcknowledgement(packet);
  }

  settle(
    delivery: number,
    reasonCode: ReasonCode,
    reason: string | undefined,
    properties: Properties | undefined,
  ): void {
    this.receiver.settle(delivery, reasonCode, reason, properties);
  }

  send(message: OutboundMessage): void {
    this.sender.send(message);
  }

  pump(): void {
    this.sender.pump();
  }

  stop(): void {
    this.sender.stop();
    this.receiver.stop();
  }
}
