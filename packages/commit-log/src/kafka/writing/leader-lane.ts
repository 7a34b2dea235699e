import type { BrokerRequests } from '../protocol/broker-connection.js';
import type { PartitionQueue } from './partition-queue.js';
import { unavailable } from '../protocol/protocol-codes.js';
import { produce, type PartitionAnswer, type Share } from '../protocol/produce.js';

/** More in one request gains nothing (measured), and makes what is appended meanwhile wait longer. */
const MAX_RECORDS_PER_REQUEST = 500;
const MAX_BYTES_PER_REQUEST = 256 * 1024;

export interface LaneEvents {
  /** What the leader says of one partition's share; undefined when its answer does not name the partition. */
  answered(share: Share, answer: PartitionAnswer | undefined): void;
  /** No answer: the outcome of every share is unknown. */
  unanswered(shares: readonly Share[], error: unknown): void;
}

/**
 * The way to one broker: one produce request in flight, so nothing overtakes anything. At once when idle (at most one turn of the event
 * loop), gathering while a request is in flight. Each broker has its own lane, so one that is away never holds back the others.
 */
export class LeaderLane {
  private line: PartitionQueue[] = [];
  private connection: BrokerRequests | undefined;
  private busy = false;
  private scheduled: NodeJS.Immediate | undefined;
  private stopped = false;

  constructor(
    private readonly open: () => Promise<BrokerRequests>,
    private readonly requestTimeoutMs: number,
    private readonly events: LaneEvents,
  ) {}

  /** This partition has records, none of them in flight. */
  offer(queue: PartitionQueue): void {
    if (queue.offered) return;
    queue.offered = true;
    this.line.push(queue);
    if (!this.busy) this.scheduled ??= setImmediate(() => this.send());
  }

  stop(): void {
    this.stopped = true;
    clearImmediate(this.scheduled);
    this.connection?.destroy();
  }

  private send(): void {
    this.scheduled = undefined;
    if (this.busy || this.stopped) return;
    const shares = this.gather();
    if (shares.length === 0) return;
    this.busy = true;
    void this.deliver(shares).then(() => {
      this.busy = false;
      this.send(); // what was appended meanwhile has waited long enough
    });
  }

  /** Partitions take turns: what does not fit this time is first in line next time. */
  private gather(): Share[] {
    const shares: Share[] = [];
    let records = 0;
    let bytes = 0;
    let used = 0;
    for (const queue of this.line) {
      if (records >= MAX_RECORDS_PER_REQUEST || bytes >= MAX_BYTES_PER_REQUEST) break;
      used++;
      queue.offered = false;
      const taken = queue.take(MAX_RECORDS_PER_REQUEST - records, MAX_BYTES_PER_REQUEST - bytes);
      if (taken.length === 0) continue;
      shares.push({ queue, records: taken });
      records += taken.length;
      for (const record of taken) bytes += record.bytes;
    }
    this.line = this.line.slice(used);
    return shares;
  }

  private async deliver(shares: readonly Share[]): Promise<void> {
    let answers: ReadonlyMap<string, PartitionAnswer>;
    try {
      if (!this.connection?.usable) this.connection = await this.open();
      if (this.stopped) throw unavailable('the log was closed'); // its records went elsewhere meanwhile
      answers = await produce(this.connection, shares, this.requestTimeoutMs);
    } catch (error) {
      this.connection?.destroy();
      this.connection = undefined;
      return this.events.unanswered(shares, error);
    }
    for (const share of shares) {
      this.events.answered(share, answers.get(`${share.queue.topic}/${share.queue.partition}`));
    }
  }
}
