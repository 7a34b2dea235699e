/**
 * Acknowledgements of one connection leave in the order of its PUBLISHes ([MQTT-4.6.0-2] asks that of clients, and who resends relies on
 * it), although their records may become durable in another order: they can lie in different topics and partitions.
 */
export class OrderedSettlements {
  private readonly entries: Settlement[] = [];
  private head = 0;
  private releasedBefore = 0;

  /** Takes the next place in the line; `release` is called once, when this and all before it are settled. */
  add(release: () => void, nowMs: number): Settlement {
    const entry = new Settlement(this, release, nowMs);
    this.entries.push(entry);
    return entry;
  }

  /** How many wait. */
  get size(): number {
    return this.entries.length - this.head;
  }

  /** How many have ever been released. */
  get released(): number {
    return this.releasedBefore + this.head;
  }

  /** Since when the oldest one waits, epoch ms. */
  get oldestSince(): number | undefined {
    return this.entries[this.head]?.since;
  }

  /** For `Settlement` only. */
  advance(): void {
    for (let entry = this.entries[this.head]; entry?.isSettled; entry = this.entries[this.head]) {
      this.head += 1;
      entry.release();
    }
    if (this.head === this.entries.length) {
      this.releasedBefore += this.head;
      this.entries.length = 0;
      this.head = 0;
    } else if (this.head > 1024) {
      this.releasedBefore += this.head;
      this.entries.splice(0, this.head);
      this.head = 0;
    }
  }
}

export class Settlement {
  isSettled = false;

  constructor(
    private readonly line: OrderedSettlements,
    readonly release: () => void,
    readonly since: number,
  ) {}

  settle(): void {
    this.isSettled = true;
    this.line.advance();
  }
}
