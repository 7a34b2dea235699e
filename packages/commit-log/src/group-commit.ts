export interface GroupLimits {
  readonly maxItems: number;
  readonly maxBytes: number;
}

/**
 * Writes what comes singly in groups, without a clock: at once when nothing is in flight (at the end of this turn of the event loop, so that
 * everything that came with it goes along), and gathering while a write is in flight. So a quiet device never waits for a linger, and the groups
 * grow with the load. Order is kept: one write at a time, and what waits for it is cut at the limits.
 */
export class GroupCommit<T> {
  private items: T[] = [];
  private waitingBytes = 0;
  private inFlight = false;
  private scheduled = false;
  private idleListeners: (() => void)[] = [];

  /** `sizeOf`: bytes. `write` must call `done` once, when the next group may be written; it settles its own items, and throws nothing. */
  constructor(
    private readonly limits: GroupLimits,
    private readonly sizeOf: (item: T) => number,
    private readonly write: (group: readonly T[], done: () => void) => void,
  ) {}

  /** Of items that are in no write yet. */
  get waiting(): number {
    return this.items.length;
  }

  add(item: T): void {
    this.items.push(item);
    this.waitingBytes += this.sizeOf(item);
    if (this.inFlight || this.scheduled) return;
    this.scheduled = true;
    setImmediate(this.flush);
  }

  /** Takes back everything that is in no write yet, for whoever will not wait for it. */
  withdraw(): readonly T[] {
    return this.take(this.items.length);
  }

  /** Resolves when nothing is waiting or in flight. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.idleListeners.push(resolve);
      this.sayIdle();
    });
  }

  private readonly flush = (): void => {
    this.scheduled = false;
    if (this.inFlight) return;
    if (this.items.length === 0) return this.sayIdle();
    this.inFlight = true;
    this.write(this.take(this.groupLength()), this.done);
  };

  private readonly done = (): void => {
    this.inFlight = false;
    this.flush();
  };

  /** As many from the front as fit; the first fits always. */
  private groupLength(): number {
    if (this.items.length <= this.limits.maxItems && this.waitingBytes <= this.limits.maxBytes)
      return this.items.length;
    const most = Math.min(this.items.length, this.limits.maxItems);
    let bytes = 0;
    for (let length = 0; length < most; length += 1) {
      bytes += this.sizeOf(this.items[length] as T); // length < most
      if (bytes > this.limits.maxBytes) return Math.max(1, length);
    }
    return most;
  }

  private take(length: number): readonly T[] {
    if (length === this.items.length) {
      const all = this.items;
      this.items = [];
      this.waitingBytes = 0;
      return all;
    }
    const taken = this.items.splice(0, length);
    for (const item of taken) this.waitingBytes -= this.sizeOf(item);
    return taken;
  }

  private sayIdle(): void {
    if (this.inFlight || this.items.length > 0) return;
    const listeners = this.idleListeners;
    this.idleListeners = [];
    for (const listener of listeners) listener();
  }
}
