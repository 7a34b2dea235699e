import { FieldgateError } from '@fieldgate/contracts';

export interface GroupLimits<B> {
  readonly sizeOf: (batch: B) => number;
  /** Of one transaction, as long as more than one batch is waiting. */
  readonly most: number;
  /** After a transaction smaller than this, the next one gathers for `gatherMs` first: at low rates the transactions are what costs. */
  readonly small: number;
  readonly gatherMs: number;
}

/**
 * One writer at a time. Whoever comes while a transaction is under way waits together with the others for the next one, so that eight
 * partitions cost one flush to disk and not eight. Bounded by its callers: each awaits its write before the next.
 */
export class WriteQueue<B, R> {
  private waiting: {
    readonly batch: B;
    readonly resolve: (result: R) => void;
    readonly reject: (error: unknown) => void;
  }[] = [];
  private tail: Promise<void> = Promise.resolve();
  private scheduled = false;
  private rest: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(
    private readonly commit: (batches: readonly B[]) => Promise<readonly R[]>,
    private readonly limits: GroupLimits<B>,
  ) {}

  write(batch: B): Promise<R> {
    return new Promise((resolve, reject) => {
      if (this.closed) return reject(stopped());
      this.waiting.push({ batch, resolve, reject });
      this.schedule();
    });
  }

  /** Runs `task` between two transactions. */
  exclusive<T>(task: () => Promise<T>): Promise<T> {
    if (this.closed) return Promise.reject(stopped());
    return this.chain(task);
  }

  /** Resolves when what was taken is written; nothing more is taken. */
  async close(): Promise<void> {
    this.closed = true;
    this.endRest();
    await this.tail;
  }

  private schedule(): void {
    if (this.scheduled || this.rest) return;
    this.scheduled = true;
    void this.chain(() => this.writeGroup()); // writeGroup gives its failures to those who wait for the group
  }

  private chain<T>(task: () => Promise<T>): Promise<T> {
    const result = this.tail.then(task);
    this.tail = result.then(
      () => undefined,
      () => undefined, // the caller of this task has its error; the next one starts afresh
    );
    return result;
  }

  private async writeGroup(): Promise<void> {
    this.scheduled = false;
    const group = this.takeGroup();
    if (this.waiting.length > 0) this.schedule();
    else if (group.reduce((sum, { batch }) => sum + this.limits.sizeOf(batch), 0) < this.limits.small)
      this.gather();
    try {
      const results = await this.commit(group.map((entry) => entry.batch));
      group.forEach((entry, index) => entry.resolve(results[index] as R)); // commit answers one result per batch
    } catch (error) {
      for (const entry of group) entry.reject(error);
    }
  }

  private gather(): void {
    if (this.closed || this.limits.gatherMs === 0) return;
    this.rest = setTimeout(() => this.endRest(), this.limits.gatherMs);
  }

  private endRest(): void {
    clearTimeout(this.rest);
    this.rest = undefined;
    if (this.waiting.length > 0) this.schedule();
  }

  private takeGroup(): typeof this.waiting {
    let size = 0;
    let count = 0;
    for (const entry of this.waiting) {
      size += this.limits.sizeOf(entry.batch);
      if (count > 0 && size > this.limits.most) break;
      count++;
    }
    return this.waiting.splice(0, count);
  }
}

function stopped(): FieldgateError {
  return new FieldgateError('store-unavailable', 'the telemetry store is stopped');
}
