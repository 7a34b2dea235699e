/** Told when a message is settled after its connection has ended: whether it was taken. */
type Waiting = (isTaken: boolean) => void;

/**
 * QoS 2 messages of the client that outlive a connection (4.3.3): those that were answered with PUBREC and wait for PUBREL, and those that the
 * handler had not settled when the connection ended. A message with one of these ids is a repeat ([MQTT-4.3.3-10]).
 */
export class InboundState {
  /** Made with the first, like `open`: most clients never send QoS 2. */
  private received: Set<number> | undefined;
  private open: Map<number, Waiting | undefined> | undefined;

  constructor(received: Iterable<number> = []) {
    for (const packetId of received) this.receive(packetId);
  }

  get size(): number {
    return (this.received?.size ?? 0) + (this.open?.size ?? 0);
  }

  ids(): Set<number> {
    return new Set([...(this.received ?? []), ...(this.open?.keys() ?? [])]);
  }

  /** To be called with the PUBREC. */
  receive(packetId: number): void {
    (this.received ??= new Set()).add(packetId);
  }

  isReceived(packetId: number): boolean {
    return this.received?.has(packetId) ?? false;
  }

  /** To be called with the PUBREL. False: it was not received. */
  release(packetId: number): boolean {
    return this.received?.delete(packetId) ?? false;
  }

  /** Its connection has ended before it was settled. */
  leaveOpen(packetId: number): void {
    (this.open ??= new Map()).set(packetId, undefined);
  }

  isOpen(packetId: number): boolean {
    return this.open?.has(packetId) ?? false;
  }

  /** Only the newest connection of a client waits. */
  whenSettled(packetId: number, waiting: Waiting): void {
    this.open?.set(packetId, waiting);
  }

  settleOpen(packetId: number, isTaken: boolean): void {
    const waiting = this.open?.get(packetId);
    if (!this.open?.delete(packetId)) return;
    if (isTaken) this.receive(packetId);
    waiting?.(isTaken);
  }
}
