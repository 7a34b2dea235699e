import type { Duplex } from 'node:stream';
import type { ConnectPacket, DisconnectPacket, ProtocolVersion } from '../codec/packet.js';
import { NO_PROPERTIES, type Properties } from '../codec/properties.js';
import { ReasonCode } from '../codec/reason-codes.js';
import type { ConnectionHandler, EndReason } from './connection-handler.js';
import { farewellFor } from './farewell.js';
import type { Legacy } from './legacy.js';
import type { Outbox } from './outbox.js';

/** Where a connection is: `opened` until CONNECT, `asking` until it is accepted or refused, `open`, `ending`: nothing is read or said any more. */
export type Phase = 'opened' | 'asking' | 'open' | 'ending';

export interface LifePort {
  readonly stream: Duplex;
  readonly outbox: Outbox;
  readonly handler: Pick<ConnectionHandler, 'closed'>;
  /** Nothing is read or sent from now on. */
  readonly over: () => void;
}

/** Of one connection: its phases, what it says when it ends, and what who stands behind it hears of that. */
export class Life {
  phase: Phase = 'opened';
  /** Why it is over; undefined while it is not. */
  why: EndReason | undefined;
  private legacy: Legacy | undefined;

  constructor(private readonly port: LifePort) {}

  /** Its CONNECT is handed over, so its end will be. */
  concerns(legacy: Legacy): void {
    this.legacy = legacy;
  }

  /** DISCONNECT of the client. False: it says what it must not say. */
  disconnected(packet: DisconnectPacket): boolean {
    if (!this.legacy?.disconnected(packet)) return false;
    this.leave('disconnected', packet.reasonCode, packet.properties.reasonString);
    return true;
  }

  /** Says why, where the version can, and ends. `version`: also of a CONNECT that could not be read to its end. */
  end(
    why: EndReason,
    reasonCode: ReasonCode,
    detail: string | undefined,
    to: { readonly connect: ConnectPacket | undefined; readonly version: ProtocolVersion | undefined },
    properties: Properties = NO_PROPERTIES,
  ): void {
    const { phase } = this;
    if (phase === 'ending') return;
    const isBroken = why === 'protocol-error';
    const isSayable = phase === 'open' || reasonCode >= ReasonCode.unspecifiedError;
    const said = isSayable ? reasonCode : ReasonCode.unspecifiedError; // a CONNACK with success would let it in
    const bytes = farewellFor({ ...to, phase, isBroken, reasonCode: said, detail, properties });
    if (bytes) this.port.outbox.send(bytes);
    this.leave(why, reasonCode, detail);
  }

  /** Lets go of the stream when what was said has been sent. */
  leave(why: EndReason, reasonCode: ReasonCode, detail?: string): void {
    if (this.phase === 'ending') return;
    this.port.outbox.flush();
    this.finish(why, reasonCode, detail);
    this.port.outbox.end();
  }

  /** Lets go of it at once. */
  tearDown(why: EndReason, reasonCode: ReasonCode, detail?: string): void {
    if (this.phase === 'ending') return;
    this.finish(why, reasonCode, detail);
    this.port.stream.destroy();
  }

  private finish(reason: EndReason, reasonCode: ReasonCode, detail: string | undefined): void {
    const wasOpen = this.phase === 'open';
    this.phase = 'ending';
    this.why = reason;
    this.port.over();
    if (this.legacy) this.port.handler.closed({ reason, reasonCode, detail, ...this.legacy.left(wasOpen) });
  }
}
