import type { Socket } from 'node:net';
import type { ProxyFault } from './proxy-fault.js';

/** What may wait here before nothing more is read. */
const HELD_BYTES = 256 * 1024;
const SLICE_MS = 50;

interface Held {
  readonly bytes: Buffer;
  readonly dueAt: number;
}

/** One direction of a connection through a proxy: what is read at `from` is written to `to`, as the fault of the moment has it. */
export class OneWay {
  private held: Held[] = [];
  private heldBytes = 0;
  private ended = false;
  private timer: NodeJS.Timeout | undefined;
  /** Bytes that were taken and will never arrive. */
  swallowedBytes = 0;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly fault: () => ProxyFault,
  ) {
    from.on('data', (bytes) => this.take(bytes));
    from.once('end', () => {
      this.ended = true;
      this.move();
    });
    to.on('drain', () => this.move());
    from.once('close', () => clearTimeout(this.timer));
  }

  /** To be called when the fault has changed. */
  move(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const fault = this.fault();
    if (fault.kind === 'freeze') return void this.from.pause();
    if (fault.kind === 'black hole') this.swallow();
    else this.pass(fault);
    if (this.heldBytes < HELD_BYTES && !this.to.writableNeedDrain) this.from.resume();
    else this.from.pause();
    if (this.ended && this.held.length === 0 && fault.kind !== 'black hole') this.to.end();
  }

  private take(bytes: Buffer): void {
    const fault = this.fault();
    const dueAt = performance.now() + (fault.kind === 'delay' ? fault.ms : 0);
    this.held.push({ bytes, dueAt });
    this.heldBytes += bytes.length;
    if (this.timer === undefined) this.move();
    else if (this.heldBytes >= HELD_BYTES) this.from.pause();
  }

  private swallow(): void {
    this.swallowedBytes += this.heldBytes;
    this.held = [];
    this.heldBytes = 0;
  }

  private pass(fault: ProxyFault): void {
    let budget =
      fault.kind === 'throttle'
        ? Math.max(1, Math.floor((fault.bytesPerSecond * SLICE_MS) / 1000))
        : Infinity;
    while (!this.to.writableNeedDrain && budget > 0) {
      const [first] = this.held;
      if (first === undefined) return;
      const waitMs = fault.kind === 'delay' ? first.dueAt - performance.now() : 0;
      if (waitMs > 0) return this.moveIn(waitMs);
      budget -= this.write(first, budget);
    }
    if (budget <= 0) this.moveIn(SLICE_MS);
  }

  private write(first: Held, most: number): number {
    const piece = first.bytes.subarray(0, most);
    const rest = first.bytes.subarray(piece.length);
    if (rest.length > 0) this.held[0] = { bytes: rest, dueAt: first.dueAt };
    else this.held.shift();
    this.heldBytes -= piece.length;
    if (!this.to.destroyed) this.to.write(piece);
    return piece.length;
  }

  private moveIn(ms: number): void {
    this.timer = setTimeout(() => this.move(), Math.ceil(ms));
  }
}
