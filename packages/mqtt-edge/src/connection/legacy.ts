import type { ConnectPacket, DisconnectPacket, Message } from '../codec/packet.js';
import { ReasonCode } from '../codec/reason-codes.js';
import type { ConnectionEnd } from './connection-handler.js';
import { sessionExpiryOf } from './handshake.js';
import type { Limits } from './limits.js';

/** What a client wants to be left of it when its connection is over: its will, and its session for a while. */
export class Legacy {
  private will: Message | undefined;
  private sessionExpiry: number;
  /** CONNECT has asked for a session that outlives its connection, whatever it got. */
  private readonly hasAsked: boolean;

  constructor(
    connect: ConnectPacket,
    private readonly limits: Limits,
  ) {
    this.will = connect.will;
    this.sessionExpiry = sessionExpiryOf(connect, limits);
    this.hasAsked = (connect.properties.sessionExpiryInterval ?? 0) > 0;
  }

  /** No will of a connection that was never let in. */
  left(wasLetIn: boolean): Pick<ConnectionEnd, 'will' | 'sessionExpiry'> {
    return { will: wasLetIn ? this.will : undefined, sessionExpiry: this.sessionExpiry };
  }

  /** What DISCONNECT changes of it. False: what it must not change. */
  disconnected({ reasonCode, properties: { sessionExpiryInterval } }: DisconnectPacket): boolean {
    if (sessionExpiryInterval !== undefined) {
      if (!this.hasAsked && sessionExpiryInterval > 0) return false;
      this.sessionExpiry = Math.min(sessionExpiryInterval, this.limits.sessionExpiryMaximum);
    }
    if (reasonCode === ReasonCode.success) this.will = undefined; // [MQTT-3.14.4-3]
    return true;
  }
}
