import type { LogTopic } from '@fieldgate/contracts';
import { backOffMs, pause } from '@fieldgate/service';
import type { Consumption, Follow, FollowStart } from '../../log-reader.js';
import type { LogRecord } from '../../log-record.js';
import type { BrokerConnection } from '../protocol/broker-connection.js';
import type { ClusterView } from '../protocol/cluster-view.js';
import { fetchRecords, type FetchedPartition } from '../protocol/fetch-records.js';
import { partitionBounds, topicBounds } from '../protocol/log-offsets.js';
import { NO_ERROR, OFFSET_OUT_OF_RANGE, unavailable } from '../protocol/protocol-codes.js';

/** A broker holds an empty answer back for this long; a new record ends the wait at once. */
const MAX_WAIT_MS = 1_000;
const REQUEST_TIMEOUT_MS = MAX_WAIT_MS + 3_000;
/** Handed over in one turn of the event loop, next to a gateway's devices: about 2,000 records. */
const LIMITS = { maxWaitMs: MAX_WAIT_MS, maxBytes: 512 * 1024, maxBytesPerPartition: 256 * 1024 };

export interface FollowListener {
  handle(records: readonly LogRecord[]): void;
  failed(error: unknown): void;
  reached?(partition: number, nextOffset: number): void;
}

/** Every record of one topic from a start on, without a group: one long poll per leader, each on a connection of its own. */
export class TopicFollow implements Consumption, Follow {
  private readonly positions = new Map<number, number>();
  /** Asked for no more until the cluster has told again who leads them: their last leader would answer the same, at once. */
  private readonly resting = new Set<number>();
  private readonly polls = new Map<number, Promise<void>>();
  private readonly connections = new Set<BrokerConnection>();
  private readonly stopping = new AbortController();
  private recovering: Promise<void> | undefined;

  constructor(
    private readonly cluster: ClusterView,
    readonly topic: LogTopic,
    private readonly listener: FollowListener,
  ) {}

  /** Resolves when it is decided where every partition begins; the log being away is waited for. */
  async start(start: FollowStart): Promise<void> {
    for (let attempt = 0; !this.stopped; attempt++) {
      try {
        for (const { partition, earliest, end } of await topicBounds(this.cluster, this.topic)) {
          const from =
            start === 'latest' ? end : start === 'earliest' ? earliest : (start.get(partition) ?? earliest);
          this.positions.set(partition, from);
        }
        break;
      } catch {
        await pause(backOffMs(attempt), this.stopping.signal); // the cluster view says that the log is away
      }
    }
    for (const [partition, offset] of this.positions) this.listener.reached?.(partition, offset);
    this.pollAll();
  }

  nextOffset(partition: number): number | undefined {
    return this.positions.get(partition);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    for (const connection of this.connections) connection.destroy();
    await Promise.all([...this.polls.values(), this.recovering]);
  }

  /** Its offsets begin anew: what lies before our places in the old one would be read by nobody. */
  topicIsAnew(topic: LogTopic): void {
    if (topic === this.topic) for (const partition of this.positions.keys()) this.moveTo(partition, 0);
  }

  get stopped(): boolean {
    return this.stopping.signal.aborted;
  }

  /** The view of the cluster is shared: somebody else may have learnt of another leader, or that there is none. */
  private pollAll(): void {
    if (!this.stopped && !this.pollLeaders()) void this.recover();
  }

  /** One poll per broker that leads anything; those that run go on. False while a partition has no leader. */
  private pollLeaders(): boolean {
    let complete = true;
    for (const partition of this.positions.keys()) {
      if (this.resting.has(partition)) continue; // what clears it calls this again
      const leader = this.cluster.leaderOf(this.topic, partition);
      if (leader === undefined) complete = false;
      else if (!this.stopped && !this.polls.has(leader)) this.polls.set(leader, this.poll(leader));
    }
    return complete;
  }

  private async poll(leader: number): Promise<void> {
    await Promise.resolve(); // known as running before it can end
    let connection: BrokerConnection | undefined;
    while (!this.stopped) {
      this.pollAll(); // this broker may say nothing of a partition that another one leads by now
      const wanted = this.ledBy(leader);
      if (wanted.size === 0) break;
      try {
        connection ??= await this.connect(leader);
        const fetched = await fetchRecords(connection, this.topic, wanted, LIMITS);
        if (!(await this.take(fetched, wanted))) void this.recover();
      } catch {
        this.release(connection);
        connection = undefined;
        for (const partition of wanted.keys()) this.resting.add(partition);
        void this.recover(); // not waited for: it also looks for leaders of others
      }
    }
    this.polls.delete(leader); // in the turn that found nothing to ask for: what comes after starts another
    this.release(connection);
    this.pollAll();
  }

  /** Hands the records over. False when a partition is not there any more. */
  private async take(
    fetched: readonly FetchedPartition[],
    wanted: ReadonlyMap<number, number>,
  ): Promise<boolean> {
    let complete = true;
    for (const { partition, code, records, nextOffset } of fetched) {
      if (this.stopped) return true;
      if ((this.positions.get(partition) ?? 0) < (wanted.get(partition) ?? 0)) continue; // in another topic meanwhile
      if (code === OFFSET_OUT_OF_RANGE) await this.goToEarliest(partition);
      else if (code !== NO_ERROR) {
        this.resting.add(partition);
        complete = false;
      } else if (nextOffset > (this.positions.get(partition) ?? 0)) this.hand(partition, records, nextOffset);
    }
    return complete;
  }

  private hand(partition: number, records: readonly LogRecord[], nextOffset: number): void {
    const from = this.positions.get(partition) ?? 0; // further than this asked for, when two brokers were asked at once
    const fresh =
      (records[0]?.offset ?? from) >= from ? records : records.filter(({ offset }) => offset >= from);
    try {
      if (fresh.length > 0) this.listener.handle(fresh);
      this.positions.set(partition, nextOffset);
      this.listener.reached?.(partition, nextOffset);
    } catch (error) {
      this.stopping.abort();
      for (const connection of this.connections) connection.destroy();
      this.listener.failed(error);
    }
  }

  private async goToEarliest(partition: number): Promise<void> {
    const bounds = await partitionBounds(this.cluster, this.topic, partition);
    this.moveTo(partition, bounds?.earliest ?? 0);
  }

  private moveTo(partition: number, offset: number): void {
    this.positions.set(partition, offset);
    this.listener.reached?.(partition, offset);
  }

  private ledBy(leader: number): ReadonlyMap<number, number> {
    return new Map(
      [...this.positions].filter(
        ([partition]) =>
          !this.resting.has(partition) && this.cluster.leaderOf(this.topic, partition) === leader,
      ),
    );
  }

  /** Until the cluster tells a leader for every partition; what rests is asked for again after each of its answers. Calls at the same time share one. */
  private recover(): Promise<void> {
    this.recovering ??= (async () => {
      for (let attempt = 0; !this.stopped; attempt++) {
        await pause(backOffMs(attempt) / 2, this.stopping.signal);
        const told = await this.cluster.refresh().then(
          () => true,
          () => false, // said by problem() of the log
        );
        if (!told) continue;
        this.resting.clear();
        if (this.pollLeaders()) break;
      }
      this.recovering = undefined; // in this turn: a partition that goes wrong next needs another
    })();
    return this.recovering;
  }

  private async connect(leader: number): Promise<BrokerConnection> {
    const connection = await this.cluster.open(leader, REQUEST_TIMEOUT_MS);
    this.connections.add(connection);
    if (!this.stopped) return connection;
    this.release(connection);
    throw unavailable('stopped');
  }

  private release(connection: BrokerConnection | undefined): void {
    if (connection === undefined) return;
    connection.destroy();
    this.connections.delete(connection);
  }
}
