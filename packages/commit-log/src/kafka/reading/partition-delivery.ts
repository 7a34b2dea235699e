import { FieldgateError, type LogTopic } from '@fieldgate/contracts';
import { backOffMs, pause } from '@fieldgate/service';
import type { BatchHandler, BatchOutcome, PartitionAssignment } from '../../log-reader.js';
import type { LogRecord } from '../../log-record.js';

export interface GroupStart {
  /** The first record that the log still holds. */
  readonly earliest: number;
  /** The first record that is still there and the group has not passed. */
  readonly offset: number;
  /** What the group has committed; undefined for a new one. */
  readonly committed: number | undefined;
}

export interface DeliveryDependencies {
  readonly handle: BatchHandler;
  /** Where the group goes on; may fail while the log is away. */
  readonly start: () => Promise<GroupStart>;
  /** Records have gone from the log that the group had not passed. */
  readonly expired: (from: number, earliest: number) => void;
  readonly commit: (offset: number) => Promise<void>;
  /** The handler threw what no retry mends. */
  readonly failed: (error: unknown) => void;
  /** No other member can have got the partition behind our back. */
  readonly isMember: () => boolean;
}

/** One assignment of one partition: its batches one after another, each until it is handled, refused or lost. */
export class PartitionDelivery {
  readonly assignment: PartitionAssignment;
  private readonly ending = new AbortController();
  private held = true;
  private position = 0;
  private tail: Promise<void>;

  /** `before`: the last work of an earlier assignment of the same partition, which this one must not overlap. */
  constructor(
    readonly topic: LogTopic,
    readonly partition: number,
    private readonly dependencies: DeliveryDependencies,
    before: Promise<void>,
  ) {
    this.assignment = {
      topic,
      partition,
      isHeld: () => this.held,
      isAlone: () => this.held && this.dependencies.isMember(),
    };
    this.tail = before.then(() => this.begin());
  }

  /** Resolves when nothing is in hand. Never rejects. */
  get idle(): Promise<void> {
    return this.tail;
  }

  /**
   * Takes the records into the line; they are read when it is their turn, so that those of all partitions are not in memory at once. Resolves
   * when they have been handled, refused or lost. Never rejects.
   */
  deliver(records: () => readonly LogRecord[], nextOffset: number): Promise<void> {
    this.tail = this.tail.then(() => (this.over ? undefined : this.hand(records(), nextOffset)));
    return this.tail;
  }

  /** No retries any more; what is in hand is still counted. */
  end(): void {
    this.ending.abort();
  }

  /** The partition is another member's, or nobody's. */
  lose(): void {
    this.held = false;
    this.ending.abort();
  }

  private get over(): boolean {
    return this.ending.signal.aborted;
  }

  /** The first batch comes at once, also when it is empty. */
  private async begin(): Promise<void> {
    for (let attempt = 0; !this.over; attempt++) {
      try {
        const { offset, committed = offset } = await this.dependencies.start();
        if (this.over) return;
        this.position = committed;
        const hasExpired = this.passExpired(offset);
        await this.hand([], offset);
        if (hasExpired && this.held) await this.dependencies.commit(offset); // told once, not at every assignment
        return;
      } catch {
        await pause(backOffMs(attempt), this.ending.signal); // the log is away, and says so by itself
      }
    }
  }

  private async hand(records: readonly LogRecord[], nextOffset: number): Promise<void> {
    const first = records.findIndex(({ offset }) => offset >= this.position);
    if (first === -1 && records.length > 0) return;
    let rest = first > 0 ? records.slice(first) : records;
    if (rest[0] !== undefined && rest[0].offset > this.position) await this.passGap(rest[0].offset);
    for (let attempt = 0; !this.over; attempt++) {
      const outcome = await this.ask(rest);
      if (outcome === undefined || !this.held) return;
      const handled = outcome.whole ? 0 : Math.min(rest.length, ...outcome.retry);
      const done = !outcome.whole && handled === rest.length;
      const next = done ? nextOffset : (rest[handled]?.offset ?? this.position);
      if (next > this.position) {
        this.position = next;
        await this.dependencies.commit(next); // handled or refused from here: the group goes on after it
      }
      if (done) return;
      rest = rest.slice(handled);
      await pause(backOffMs(attempt), this.ending.signal);
    }
  }

  /**
   * While this partition waited, or its handler was slow: the records in between have expired, or another member of the group had passed them
   * and its commit came in after this one had asked.
   */
  private async passGap(first: number): Promise<void> {
    const earliest = await this.dependencies.start().then(
      (start) => start.earliest,
      () => this.position, // the log is away, and says so by itself
    );
    this.passExpired(Math.min(first, earliest));
    this.position = first;
  }

  private passExpired(first: number): boolean {
    if (first <= this.position) return false;
    this.dependencies.expired(this.position, first);
    this.position = first;
    return true;
  }

  /** undefined: the handler failed for good, and the consumption has been told. */
  private async ask(
    records: readonly LogRecord[],
  ): Promise<(Pick<BatchOutcome, 'retry'> & { whole?: boolean }) | undefined> {
    const { topic, partition, assignment } = this;
    try {
      return await this.dependencies.handle({ topic, partition, records, assignment, from: this.position });
    } catch (error) {
      if (error instanceof FieldgateError && error.retriable) return { retry: [], whole: true };
      this.dependencies.failed(error);
      return undefined;
    }
  }
}
