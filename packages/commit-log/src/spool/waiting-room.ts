import type { FieldgateError } from '@fieldgate/contracts';
import { pause, type Clock } from '@fieldgate/service';
import { Backlog } from '../backlog.js';
import { GroupCommit } from '../group-commit.js';
import type { TakenBack } from '../kafka/writing/unsettled-records.js';
import { unavailable } from '../kafka/protocol/protocol-codes.js';
import type { SpooledRecord } from './disk-spool.js';

/** One write to the disk. */
const GROUP = { maxItems: 1_000, maxBytes: 1024 * 1024 };
/** What waits for the disk; above this, no more is read from devices. */
const LIMIT = { records: 10_000, bytes: 32 * 1024 * 1024 };
/** A device that has waited for so long is better off elsewhere. */
const LONGEST_WAIT_MS = 10_000;
const TRY_AGAIN_MS = 100;

export interface WaitingRoomPorts {
  /** Rejects while it takes no more: it is full, or the disk refuses. */
  readonly write: (records: readonly SpooledRecord[]) => Promise<void>;
  /** On disk: may be answered. Like `givenUp` it throws nothing. */
  readonly written: (entries: readonly TakenBack[]) => void;
  /** The wait was too long. */
  readonly givenUp: (entries: readonly TakenBack[], error: FieldgateError) => void;
  readonly monotonic: Clock;
}

/**
 * In front of the spool: gathers records for one write and one flush, keeps their order, and holds them while the spool takes no more. What is
 * given up is given up together: a newer record must not be kept when an older one comes again.
 */
export class WaitingRoom {
  private readonly backlog = new Backlog(LIMIT);
  private readonly group = new GroupCommit<TakenBack>(GROUP, bytesOf, (entries, done) => {
    void this.settle(entries, done);
  });
  private waiting = 0;
  private readonly stopping = new AbortController();

  constructor(private readonly ports: WaitingRoomPorts) {}

  /** False when too much is waiting. */
  add(entry: TakenBack): boolean {
    this.waiting += 1;
    this.group.add(entry);
    return this.backlog.add(bytesOf(entry));
  }

  get isEmpty(): boolean {
    return this.waiting === 0;
  }

  drained(listener: () => void): void {
    this.backlog.drained(listener);
  }

  /** What is waiting goes to the disk if that takes it at once. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.group.idle();
  }

  private async settle(entries: readonly TakenBack[], done: () => void): Promise<void> {
    const error = await this.persist(entries);
    try {
      if (error === undefined) {
        this.leave(entries, () => this.ports.written(entries));
      } else {
        const others = this.group.withdraw();
        this.leave(entries, () => this.ports.givenUp(entries, error));
        this.leave(others, () => this.ports.givenUp(others, error));
      }
    } finally {
      done();
    }
  }

  /** Again and again while the spool takes no more; the reason when that lasts for too long. */
  private async persist(entries: readonly TakenBack[]): Promise<FieldgateError | undefined> {
    const { write, monotonic } = this.ports;
    const records = entries.map(({ record, timestampMs }): SpooledRecord => {
      const { topic, key, partitionKey, value } = record;
      return { topic, key, value, timestampMs, ...(partitionKey === undefined ? {} : { partitionKey }) };
    });
    const deadline = monotonic.now() + LONGEST_WAIT_MS;
    for (;;) {
      try {
        await write(records);
        return undefined;
      } catch (error) {
        if (this.stopping.signal.aborted || monotonic.now() >= deadline)
          return unavailable(messageOf(error), error);
        await pause(TRY_AGAIN_MS, this.stopping.signal);
      }
    }
  }

  private leave(entries: readonly TakenBack[], tell: () => void): void {
    this.waiting -= entries.length;
    tell();
    let bytes = 0;
    for (const entry of entries) bytes += bytesOf(entry);
    this.backlog.remove(entries.length, bytes);
  }
}

function bytesOf({ record }: TakenBack): number {
  return record.key.length + (record.value?.length ?? 0);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
