import { FieldgateError, type ConsumerGroup, type LogTopic } from '@fieldgate/contracts';
import type { GroupOffsets } from '../in-process/local-partitions.js';
import type { BlockStore } from './block-store.js';

const WRITE_AFTER_MS = 200;
const PREFIX = 'group/';

/**
 * Where groups have come to. They go to disk with the next group of records, or a little later on their own: a commit of their own for every
 * batch would make appends wait for twice as many flushes, and delivery is at least once anyway.
 */
export class EmbeddedOffsets implements GroupOffsets {
  private readonly known = new Map<string, number>();
  private unwritten = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly store: BlockStore,
    private readonly outage: { begin(error: FieldgateError): void },
  ) {}

  load(facts: ReadonlyMap<string, unknown>): void {
    for (const [name, offset] of facts) if (name.startsWith(PREFIX)) this.known.set(name, Number(offset));
  }

  get(group: ConsumerGroup, topic: LogTopic, partition: number): number | undefined {
    return this.known.get(place(group, topic, partition));
  }

  keep(group: ConsumerGroup, topic: LogTopic, partition: number, offset: number): void {
    const name = place(group, topic, partition);
    if (this.known.get(name) === offset) return;
    this.known.set(name, offset);
    this.unwritten.set(name, offset);
    this.timer ??= setTimeout(() => void this.flush(), WRITE_AFTER_MS).unref();
  }

  /** For whoever commits next; `giveBack` when that failed. */
  takeUnwritten(): ReadonlyMap<string, number> {
    const taken = this.unwritten;
    if (taken.size > 0) this.unwritten = new Map();
    clearTimeout(this.timer);
    this.timer = undefined;
    return taken;
  }

  giveBack(taken: ReadonlyMap<string, number>): void {
    for (const [name, offset] of taken) if (!this.unwritten.has(name)) this.unwritten.set(name, offset);
  }

  async flush(): Promise<void> {
    const facts = this.takeUnwritten();
    if (facts.size === 0) return;
    try {
      await this.store.commit({ facts });
    } catch (error) {
      if (!(error instanceof FieldgateError)) throw error;
      this.giveBack(facts); // goes with the next commit that succeeds
      this.outage.begin(error);
    }
  }
}

function place(group: ConsumerGroup, topic: LogTopic, partition: number): string {
  return `${PREFIX}${group}/${topic}/${partition}`;
}
