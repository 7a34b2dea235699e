import type { Consumption, LogReader, LogRecord } from '@fieldgate/commit-log';
import type { LogTopic } from '@fieldgate/contracts';

export type LiveListener = (records: readonly LogRecord[]) => void;

/** The end of one topic, followed once for all clients, and only while there are any. */
export class LiveTopic {
  private readonly next = new Map<number, number>();
  private readonly listeners = new Set<LiveListener>();
  private users = 0;
  private following: Promise<Consumption> | undefined;
  private partitions: Promise<number> | undefined;
  private advanced: () => void = () => undefined;

  constructor(
    private readonly reader: LogReader,
    readonly topic: LogTopic,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Follows from now on, until as many `release` calls. Rejects when the log does not say which partitions there are. */
  async use(): Promise<void> {
    this.users += 1;
    this.partitions ??= this.count();
    this.following ??= this.reader.follow(this.topic, 'latest', (records) => this.take(records), {
      failed: this.failed,
      reached: (partition, nextOffset) => this.reached(partition, nextOffset),
    });
    const [count] = await Promise.all([this.partitions, this.following]); // together: either may be waiting for the log
    while (this.next.size < count && this.users > 0) {
      await new Promise<void>((resolve) => {
        const before = this.advanced;
        this.advanced = () => (before(), resolve());
      });
    }
  }

  async release(): Promise<void> {
    this.users -= 1;
    if (this.users > 0) return;
    const { following } = this;
    this.following = undefined;
    this.partitions = undefined;
    this.next.clear();
    this.wake();
    await (await following)?.stop();
  }

  /** The next offset of each partition that listeners will hear of. */
  get positions(): ReadonlyMap<number, number> {
    return this.next;
  }

  /** What comes after `positions`, from now on. */
  join(listener: LiveListener): void {
    this.listeners.add(listener);
  }

  leave(listener: LiveListener): void {
    this.listeners.delete(listener);
  }

  private async count(): Promise<number> {
    try {
      return (await this.reader.bounds(this.topic)).length;
    } catch (error) {
      this.partitions = undefined; // asked again by the next client
      throw error;
    }
  }

  private take(records: readonly LogRecord[]): void {
    const last = records.at(-1);
    if (!last || this.users === 0) return;
    this.next.set(last.partition, last.offset + 1);
    for (const listener of this.listeners) listener(records);
  }

  private reached(partition: number, nextOffset: number): void {
    if (this.users === 0) return;
    this.next.set(partition, Math.max(nextOffset, this.next.get(partition) ?? 0));
    this.wake();
  }

  private wake(): void {
    const { advanced } = this;
    this.advanced = () => undefined;
    advanced();
  }
}
