import { FieldgateError, type LogTopic } from '@fieldgate/contracts';
import { backOffMs, pause } from '@fieldgate/service';
import type { BatchHandler, BatchOutcome, PartitionAssignment } from '../../log-reader.js';
import type { LogRecord } from '../../log-record.js';

export interface GroupStart {
  /** The first record that the log still holds. */
  readonly earliest: number;
  /** Behind the last record that it held after the group had committed this. */
  readonly end: number;
  /** What the group has committed; undefined for a new one. */
  readonly committed: number | undefined;
  /** The topic is another one since: what stands in the log as committed may be of the old one. */
  readonly isAnew?: boolean;
}

export interface DeliveryDependencies {
  readonly handle: BatchHandler;
  /** Where the group goes on, `isDoubted` for the second time; may fail while the log is away. */
  readonly start: (isDoubted: boolean) => Promise<GroupStart>;
  /** Records have gone from the log that the group had not passed. */
  readonly expired: (from: number, earliest: number) => void;
  /** The log has lost its last writes, or is another one: it ends before the group's place in it, and is read from its beginning. */
  readonly cut: (from: number, end: number) => void;
  readonly commit: (offset: number) => Promise<void>;
  /** The handler threw what no retry mends. */
  readonly failed: (error: unknown) => void;
  /** No other member can have got the partition behind our back. */
  readonly isMember: () => boolean;
}

/** One assignment of one partition, or another when its log was cut: its batches one after another, each until it is handled, refused or lost. */
export class PartitionDelivery {
  private assignment: PartitionAssignment;
  private readonly ending = new AbortController();
  private held = true;
  private position = 0;
  /** Where the client went back behind our place, and the log did not end before it. */
  private uncutAt = -1;
  private tail: Promise<void>;

  /** `before`: the last work of an earlier assignment of the same partition, which this one must not overlap. */
  constructor(
    readonly topic: LogTopic,
    readonly partition: number,
    private readonly dependencies: DeliveryDependencies,
    before: Promise<void>,
  ) {
    this.assignment = this.assigned(false);
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

  private assigned(isAnew: boolean): PartitionAssignment {
    return {
      topic: this.topic,
      partition: this.partition,
      isHeld: () => this.held,
      isAlone: () => this.held && this.dependencies.isMember(),
      isAnew: () => isAnew,
    };
  }

  /** The first batch comes at once, also when it is empty. */
  private async begin(): Promise<void> {
    const start = await this.start();
    if (start === undefined) return;
    const { earliest, committed = earliest, isAnew = false } = start;
    this.position = committed;
    if (isAnew && committed <= earliest) this.assignment = this.assigned(true);
    const isCut = committed > start.end && (await this.goBackIfCut());
    const hasExpired = this.passExpired(earliest);
    await this.hand([], this.position);
    const isTold = hasExpired || isCut; // once, not at every assignment
    if ((isTold || isAnew) && this.held) await this.dependencies.commit(this.position);
  }

  /** undefined: the assignment is over. */
  private async start(isDoubted = false): Promise<GroupStart | undefined> {
    for (let attempt = 0; !this.over; attempt++) {
      try {
        const start = await this.dependencies.start(isDoubted);
        if (!this.over) return start;
      } catch {
        await pause(backOffMs(attempt), this.ending.signal); // the log is away, and says so by itself
      }
    }
    return undefined;
  }

  private async hand(records: readonly LogRecord[], nextOffset: number): Promise<void> {
    const first = records.findIndex(({ offset }) => offset >= this.position);
    if (first === -1 && records.length > 0 && !(await this.goBackIfCut())) return;
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

  /** Where the log ends before our place, the client begins at its beginning, and what was written there since is nothing that we have passed. */
  private async goBackIfCut(): Promise<boolean> {
    if (this.uncutAt === this.position) return false;
    const start = await this.start(true); // a broker that was frozen may have told an old end
    if (start === undefined) return false;
    if (start.end >= this.position) {
      this.uncutAt = this.position;
      return false;
    }
    this.dependencies.cut(this.position, start.end);
    this.position = start.earliest;
    this.assignment = this.assigned(true); // what was kept for the old one is of records that are not there any more
    return true;
  }

  /**
   * While this partition waited, or its handler was slow: the records in between have expired, or another member of the group had passed them
   * and its commit came in after this one had asked.
   */
  private async passGap(first: number): Promise<void> {
    const earliest = await this.dependencies.start(false).then(
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
