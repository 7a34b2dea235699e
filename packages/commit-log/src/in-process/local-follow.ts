import type { LogTopic } from '@fieldgate/contracts';
import type { Consumption, Follow } from '../log-reader.js';
import type { LogRecord } from '../log-record.js';
import { eventLoopTurn } from './event-loop-turn.js';
import type { LocalPartitions } from './local-partitions.js';

interface Listener {
  readonly handle: (records: readonly LogRecord[]) => void;
  readonly failed: (error: unknown) => void;
  readonly reached?: (partition: number, nextOffset: number) => void;
}

/** Everything of one topic from a start on, then live. */
export class LocalFollow implements Consumption, Follow {
  private readonly stopping = new AbortController();
  private readonly loops: Promise<void>[] = [];
  private readonly nextOffsets = new Map<number, number>();
  private hasFailed = false;
  private reportEnd: () => void = () => undefined;
  readonly ended = new Promise<void>((resolve) => (this.reportEnd = resolve));

  constructor(
    private readonly log: LocalPartitions,
    readonly topic: LogTopic,
    private readonly listener: Listener,
  ) {}

  begin(partition: number, from: number): void {
    this.loops.push(this.run(partition, from).catch((error: unknown) => this.fail(error)));
  }

  nextOffset(partition: number): number | undefined {
    return this.nextOffsets.get(partition);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.loops);
    this.reportEnd();
  }

  private async run(partition: number, start: number): Promise<void> {
    const { signal } = this.stopping;
    await eventLoopTurn(); // the caller has its consumption before the first batch comes
    let from = start;
    while (!signal.aborted) {
      const { records, next } = this.log.take(this.topic, partition, from);
      from = Math.max(from, next);
      if (records.length > 0) this.listener.handle(records);
      this.nextOffsets.set(partition, from);
      this.listener.reached?.(partition, from);
      await (records.length > 0 ? eventLoopTurn() : this.log.tail.next(this.topic, partition, signal));
    }
  }

  private fail(error: unknown): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.stopping.abort();
    this.reportEnd();
    this.listener.failed(error);
  }
}
