import { ReasonCode } from '../codec/reason-codes.js';
import type { InboundState } from './inbound-state.js';
import type { InboundWindow } from './inbound-window.js';

/** The ids of the client's QoS 2 messages as one connection sees them: those of earlier connections, its own, and what it leaves behind. */
export class Qos2Ids {
  /** Who sends QoS 1 alone does not pay for a look at its ids. */
  areUsed: boolean;
  /** Not released since an earlier connection; made only when there are any. */
  private readonly inherited: Set<number> | undefined;
  /** Of messages that were not settled when the connection ended, by delivery. */
  private left: Map<number, number> | undefined;

  constructor(private readonly inbound: InboundState) {
    this.areUsed = inbound.size > 0;
    this.inherited = this.areUsed ? inbound.ids() : undefined;
  }

  /** Not released: of earlier connections. */
  get earlier(): number {
    return this.inherited?.size ?? 0;
  }

  /** Not released: of all connections, but for what waits in the window. */
  get all(): number {
    return this.inbound.size;
  }

  /** False: nothing waited for its PUBREL under this id. */
  release(packetId: number): boolean {
    this.inherited?.delete(packetId);
    return this.inbound.release(packetId);
  }

  /** Whether a QoS 1 message would come under the id of a QoS 2 message that is not released. */
  isHeld(packetId: number, window: InboundWindow): boolean {
    if (this.inbound.isReceived(packetId) || this.inbound.isOpen(packetId)) return true;
    return window.waitingAs(packetId) === 2;
  }

  /** The connection has ended. What the handler has taken stays taken: it may still be settled. */
  leave(window: InboundWindow): void {
    for (const { delivery, packetId, waiting, outcome } of window.unanswered()) {
      if (waiting !== 2) continue;
      this.inbound.leaveOpen(packetId);
      if (outcome !== undefined) this.inbound.settleOpen(packetId, !isRefusal(outcome));
      else (this.left ??= new Map()).set(delivery, packetId);
    }
  }

  /** One of those that were left is settled. */
  settleLeft(delivery: number, reasonCode: ReasonCode): void {
    const packetId = this.left?.get(delivery);
    if (packetId === undefined) return;
    this.left?.delete(delivery);
    this.inbound.settleOpen(packetId, !isRefusal(reasonCode));
  }
}

export function isRefusal(outcome: number): boolean {
  return outcome >= ReasonCode.unspecifiedError;
}
