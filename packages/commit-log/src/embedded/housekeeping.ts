import { LOG_TOPICS, type LogTopic } from '@fieldgate/contracts';
import { pause, type Clock, type Logger } from '@fieldgate/service';
import { Counter } from 'prom-client';
import type { BlockStore } from './block-store.js';
import { compact } from './compaction.js';
import { TOPICS, type EmbeddedPartitions } from './embedded-partitions.js';
import { expire, shrink } from './retention.js';

const housekeepingFailures = new Counter({
  name: 'fieldgate_embedded_log_housekeeping_failures_total',
  help: 'Rounds of retention and compaction that did not end; they are tried again in the next round',
});

const HOUR_MS = 3_600_000;
/** Below this a compact topic is not worth the work, unless a tombstone may go. */
const WORTHWHILE_BYTES = 1024 * 1024;

/** Keeps the log from growing for ever: retention by age and by size, compaction. In rounds, beside reading and writing. */
export class Housekeeping {
  private readonly stopping = new AbortController();
  private readonly compacted = new Map<LogTopic, { readonly at: number; readonly bytes: number }>();
  private loop: Promise<void> | undefined;

  constructor(
    private readonly parts: {
      readonly store: BlockStore;
      readonly partitions: EmbeddedPartitions;
      readonly clock: Clock;
      readonly logger: Logger;
    },
    private readonly limits: { readonly maxBytes: number; readonly intervalMs: number },
  ) {}

  start(): void {
    this.loop ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.round();
      } catch (error) {
        housekeepingFailures.inc(); // the disk may be full: the next round tries again
        this.parts.logger.warn({ err: error }, 'the log could not be tidied up');
      }
      await pause(this.limits.intervalMs, signal);
    }
  }

  async round(): Promise<void> {
    const { store, partitions, clock, logger } = this.parts;
    const { signal } = this.stopping;
    const now = clock.now();
    for (const topic of TOPICS) {
      if (signal.aborted) return;
      if (LOG_TOPICS[topic].cleanup === 'delete') await expire(store, partitions, { topic, now });
      else if (this.isDue(topic, now)) {
        await compact(store, partitions, { topic, now, signal });
        this.compacted.set(topic, { at: now, bytes: store.bytesOf(topic) });
      }
    }
    const removed = await shrink(store, partitions, this.limits.maxBytes);
    if (removed > 0)
      logger.warn(
        { records: removed, maxBytes: this.limits.maxBytes },
        'the oldest records went: the log is full',
      );
  }

  private isDue(topic: LogTopic, now: number): boolean {
    const last = this.compacted.get(topic);
    if (last === undefined || now - last.at >= HOUR_MS) return true;
    return this.parts.store.bytesOf(topic) > 2 * last.bytes + WORTHWHILE_BYTES;
  }
}
