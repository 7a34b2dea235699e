import type { LogTopic } from '@fieldgate/contracts';
import { backOffMs } from '@fieldgate/service';

export interface GroupOffset {
  readonly topic: LogTopic;
  readonly partition: number;
  /** Everything before it has been handled. */
  readonly offset: number;
}

/**
 * One commit request at a time: what partitions finish meanwhile goes together in the next. An offset that could not be committed is
 * tried again, with the next request or after a pause with back-off, until its partition is lost.
 */
export class OffsetCommits {
  private readonly waiting = new Map<string, GroupOffset>();
  private inFlight: Promise<void> | undefined;
  /** Counts the assignments: what fails after its own has ended is not sent again. */
  private generation = 0;
  private failures = 0;
  private again: NodeJS.Timeout | undefined;

  /** `send` may reject, and then nothing may go on sending in its place. */
  constructor(
    private readonly send: (offsets: readonly GroupOffset[]) => Promise<void>,
    private readonly notCommitted: (error: unknown) => void,
    private readonly pauseMs: (failures: number) => number = backOffMs,
  ) {}

  /** Resolves when a request that carries it has been answered, well or not. */
  async commit(offset: GroupOffset): Promise<void> {
    this.waiting.set(`${offset.topic}/${offset.partition}`, offset);
    while (this.inFlight) await this.inFlight;
    await this.flush();
  }

  async flush(): Promise<void> {
    if (this.waiting.size === 0) return;
    this.inFlight ??= this.request().finally(() => (this.inFlight = undefined));
    await this.inFlight;
  }

  /** Its partitions belong to others from here on. */
  forget(): void {
    this.generation++;
    this.waiting.clear();
    clearTimeout(this.again);
  }

  private async request(): Promise<void> {
    await new Promise(setImmediate); // the other partitions of one fetch end in the same turn
    const { generation } = this;
    const offsets = [...this.waiting.values()];
    this.waiting.clear();
    if (offsets.length === 0) return; // forgotten in this turn
    clearTimeout(this.again);
    try {
      await this.send(offsets);
      this.failures = 0;
    } catch (error) {
      this.notCommitted(error);
      if (generation !== this.generation) return; // another member may be further by now: this would take it back
      for (const offset of offsets) {
        const key = `${offset.topic}/${offset.partition}`;
        if (!this.waiting.has(key)) this.waiting.set(key, offset);
      }
      this.again = setTimeout(() => void this.flush(), this.pauseMs(this.failures++)).unref();
    }
  }
}
