import type { Duplex } from 'node:stream';
import type { EndReason } from './connection-handler.js';
import type { Limits } from './limits.js';
import type { Outbox } from './outbox.js';

/** Milliseconds that a client has to take what was said last, before its stream is torn down. */
const LINGER_MS = 2_000;

/** What is due on one connection by the clock. */
export class Deadlines {
  private readonly openedAt: number;
  private lastHeard: number;
  private silenceMs = Infinity;
  private isAccepted = false;
  /** Since when the stream has taken nothing of what waits in it; undefined while it takes something. */
  private stuckSince: number | undefined;
  private takenBytes = 0;
  private endedAt: number | undefined;

  constructor(
    private readonly stream: Duplex,
    private readonly outbox: Outbox,
    private readonly limits: Limits,
    private readonly now: () => number,
  ) {
    this.openedAt = now();
    this.lastHeard = this.openedAt;
  }

  /** A packet of the client has come, or could not come because it was not read. */
  heard(): void {
    this.lastHeard = this.now();
  }

  /** Seconds; 0: for ever. */
  accepted(keepAlive: number): void {
    this.isAccepted = true;
    this.silenceMs = keepAlive * 1_500 || Infinity; // [MQTT-3.1.2-22]: one and a half keep-alives
    this.heard();
  }

  /** What a client is told that was silent for too long. */
  get silence(): string {
    return `nothing was heard for ${this.silenceMs / 1_000} s, one and a half keep-alives [MQTT-3.1.2-22]`;
  }

  ended(): void {
    this.endedAt = this.now();
  }

  /** Undefined: nothing is. `isRead`: whether the client can be heard at all. */
  due(isRead: boolean): EndReason | 'lingered' | undefined {
    const now = this.now();
    if (this.endedAt !== undefined) return now - this.endedAt >= LINGER_MS ? 'lingered' : undefined;
    if (!this.isAccepted)
      return now - this.openedAt >= this.limits.connectTimeoutMs ? 'connect-timeout' : undefined;
    if (this.isStuck(now)) return 'drain-timeout';
    return isRead && now - this.lastHeard >= this.silenceMs ? 'keep-alive-timeout' : undefined;
  }

  private isStuck(now: number): boolean {
    const { writableNeedDrain } = this.stream;
    const { taken } = this.outbox;
    const isMoving = !writableNeedDrain || this.stuckSince === undefined || taken !== this.takenBytes;
    this.takenBytes = taken;
    if (isMoving) this.stuckSince = writableNeedDrain ? now : undefined;
    return this.stuckSince !== undefined && now - this.stuckSince >= this.limits.drainTimeoutMs;
  }
}
