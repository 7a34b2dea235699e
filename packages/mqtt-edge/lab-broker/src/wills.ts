import type { Message } from '@fieldgate/mqtt-edge';

interface Pending {
  readonly will: Message;
  readonly dueAt: number;
}

/** Wills that wait for their Will Delay Interval (MQTT 5, 3.1.3.2.2); one for each client at most. */
export class Wills {
  private readonly pending = new Map<string, Pending>();

  constructor(private readonly publish: (clientId: string, will: Message) => void) {}

  /** At once, or when the delay or the session is over, whichever comes first. */
  leave(
    clientId: string,
    will: Message,
    options: { readonly sessionExpiry: number; readonly now: number },
  ): void {
    const { willDelayInterval = 0 } = will.properties;
    const delay = Math.min(willDelayInterval, options.sessionExpiry);
    if (delay === 0) this.publish(clientId, will);
    else this.pending.set(clientId, { will, dueAt: options.now + delay * 1_000 });
  }

  /** The client has come back to its session in time ([MQTT-3.1.3-9]). */
  giveUp(clientId: string): void {
    this.pending.delete(clientId);
  }

  /** The session has ended: nothing is left to wait for. */
  sessionEnded(clientId: string): void {
    const entry = this.pending.get(clientId);
    if (entry === undefined) return;
    this.pending.delete(clientId);
    this.publish(clientId, entry.will);
  }

  tick(now: number): void {
    for (const [clientId, { dueAt }] of this.pending) if (dueAt <= now) this.sessionEnded(clientId);
  }
}
