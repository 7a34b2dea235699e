import type { LogPosition } from './log-record.js';
import type { PartitionBounds } from './log-reader.js';

/** Waits until whoever follows a topic has come past a position: for reading one's own append back, and for catching up. */
export class OffsetGate {
  private readonly nextOffsets = new Map<number, number>();
  private readonly waiting = new Set<{
    readonly partition: number;
    readonly offset: number;
    readonly resolve: () => void;
  }>();

  /** Everything before `nextOffset` has been applied. */
  advance(partition: number, nextOffset: number): void {
    this.nextOffsets.set(partition, nextOffset);
    for (const waiter of this.waiting) {
      if (waiter.partition !== partition || waiter.offset >= nextOffset) continue;
      this.waiting.delete(waiter);
      waiter.resolve();
    }
  }

  reached({ partition, offset }: LogPosition): Promise<void> {
    if (offset < (this.nextOffsets.get(partition) ?? 0)) return Promise.resolve();
    return new Promise((resolve) => this.waiting.add({ partition, offset, resolve }));
  }

  /** The last record of every partition, as of these bounds. */
  async reachedAll(bounds: readonly PartitionBounds[]): Promise<void> {
    await Promise.all(bounds.map(({ partition, end }) => this.reached({ partition, offset: end - 1 })));
  }
}
