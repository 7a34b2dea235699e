import { backOffMs, pause, type Logger } from '@fieldgate/service';
import type { LeaderView } from '../protocol/cluster-view.js';
import type { PartitionQueue } from './partition-queue.js';
import { reasonOf } from '../protocol/protocol-codes.js';

const LONGEST_PAUSE_MS = 1_000;
/** While a broker answers, an election under way or a broker on its return is a matter of moments: what is held back is late by this at most. */
const LONGEST_PAUSE_WHILE_ANSWERED_MS = 250;
/** An election or a topic that is new costs a few tries, and is nobody's business. */
const TRIES_BEFORE_WARNING = 3;
/** A failure that nothing has tried to repeat for so long says nothing about now. */
const RECENT_MS = 10_000;

export interface StalledPartitionsOptions {
  readonly cluster: LeaderView;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** The partition may be tried again, with this leader. */
  readonly release: (queue: PartitionQueue, leader: number) => void;
  /** For tests: time that passes at once. */
  readonly wait?: typeof pause;
}

/** Partitions without a way to their leader wait here, each for itself, until the cluster has told where the leader is. */
export class StalledPartitions {
  private readonly queues = new Set<PartitionQueue>();
  private recovering = false;
  /** The last question where the leaders are was. */
  private isAnswered = true;
  private warned = false;
  private failure: { readonly reason: string; readonly at: number } | undefined;

  constructor(private readonly options: StalledPartitionsOptions) {}

  /** Why appends fail or are held back, until one has succeeded again or none has been tried for a while. */
  problem(): string | undefined {
    if (this.failure === undefined) return undefined;
    const isNow = this.queues.size > 0 || performance.now() - this.failure.at < RECENT_MS;
    return isNow ? this.failure.reason : undefined;
  }

  has(queue: PartitionQueue): boolean {
    return this.queues.has(queue);
  }

  hold(queue: PartitionQueue, reason: string): void {
    if (this.options.signal.aborted) return;
    this.failed(reason);
    this.queues.add(queue);
    if (queue.failures >= TRIES_BEFORE_WARNING) this.warn(reason);
    if (!this.recovering) void this.recover();
  }

  failed(reason: string): void {
    this.failure = { reason, at: performance.now() };
  }

  private warn(reason: string): void {
    if (this.warned) return;
    this.warned = true;
    this.options.logger.warn({ reason }, 'appends are held back');
  }

  /** An append has succeeded. */
  succeeded(): void {
    if (this.failure === undefined || this.queues.size > 0) return;
    this.failure = undefined;
    if (!this.warned) return;
    this.warned = false;
    this.options.logger.info('appends go on');
  }

  private async recover(): Promise<void> {
    this.recovering = true;
    const { cluster, signal, wait = pause } = this.options;
    while (this.queues.size > 0 && !signal.aborted) {
      const failures = Math.min(...Array.from(this.queues, (queue) => queue.failures));
      const longestMs = this.isAnswered ? LONGEST_PAUSE_WHILE_ANSWERED_MS : LONGEST_PAUSE_MS;
      await wait(Math.min(longestMs, backOffMs(failures) / 2), signal);
      try {
        await cluster.refresh();
        this.isAnswered = true;
      } catch (error) {
        this.isAnswered = false;
        this.failed(reasonOf(error));
        this.warn(reasonOf(error));
        for (const queue of this.queues) queue.failures++;
        continue;
      }
      this.releaseLed(cluster);
    }
    this.recovering = false;
  }

  private releaseLed(cluster: LeaderView): void {
    for (const queue of this.queues) {
      queue.dropSettled();
      const leader = cluster.leaderOf(queue.topic, queue.partition);
      if (leader === undefined) {
        if (++queue.failures === TRIES_BEFORE_WARNING)
          this.warn(`${queue.topic}/${queue.partition} has no leader`);
        continue;
      }
      this.queues.delete(queue);
      if (!queue.isEmpty) this.options.release(queue, leader); // empty: its records ran out of time
    }
  }
}
