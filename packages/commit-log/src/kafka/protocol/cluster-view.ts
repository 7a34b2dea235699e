import { LOG_TOPICS, type LogTopic } from '@fieldgate/contracts';
import { pause } from '@fieldgate/service';
import { metadataV12 } from '@platformatic/kafka';
import { BrokerConnection, type BrokerAddress, type BrokerRequests } from './broker-connection.js';
import { NO_ERROR, reasonOf, unavailable } from './protocol-codes.js';

/** Short questions (metadata, offsets) are answered in milliseconds, or the broker is frozen. */
const QUESTION_TIMEOUT_MS = 2_000;
const HESITATION_MS = 300;
const TOPICS = Object.keys(LOG_TOPICS);
const NO_LEADER = -1;

interface PartitionLeader {
  nodeId: number;
  epoch: number;
}

/** Which brokers there are and who leads which partition, as last heard. Whoever meets a stale leader calls `refresh`. */
export class ClusterView implements LeaderView {
  private readonly brokers = new Map<number, BrokerAddress>();
  private readonly leaders = new Map<
    string,
    { readonly topicId: string; readonly partitions: PartitionLeader[] }
  >();
  private readonly bootstrap: readonly BrokerAddress[];
  /** For short questions, one connection per address; long polls and produce requests have their own. */
  private readonly questions = new Map<string, Promise<BrokerConnection>>();
  private lastAnswered: BrokerAddress | undefined;
  private refreshing: Promise<void> | undefined;
  private closed = false;
  private failure: string | undefined;
  private readonly topicIds = new Set<string>();
  private readonly anewListeners: ((topic: LogTopic) => void)[] = [];

  constructor(
    private readonly clientId: string,
    brokers: readonly string[],
  ) {
    this.bootstrap = brokers.map(parseAddress);
  }

  /** The node that leads a partition; undefined while an election is under way or nothing is known. */
  leaderOf(topic: LogTopic, partition: number): number | undefined {
    const leader = this.leaders.get(topic)?.partitions[partition];
    return leader === undefined || leader.nodeId === NO_LEADER ? undefined : leader.nodeId;
  }

  partitionsOf(topic: LogTopic): number {
    return this.leaders.get(topic)?.partitions.length ?? 0;
  }

  /** Called when a topic was deleted and made again under its name: its offsets begin anew. */
  onTopicAnew(listener: (topic: LogTopic) => void): void {
    this.anewListeners.push(listener);
  }

  get size(): number {
    return this.brokers.size;
  }

  /** Why the last refresh failed, or which partitions nobody leads. */
  problem(): string | undefined {
    if (this.failure !== undefined) return this.failure;
    const leaderless = [...this.leaders].flatMap(([topic, { partitions }]) =>
      partitions.flatMap(({ nodeId }, partition) => (nodeId === NO_LEADER ? [`${topic}/${partition}`] : [])),
    );
    return leaderless.length === 0
      ? undefined
      : `${leaderless.length} partitions have no leader, ${leaderless[0]} among them`;
  }

  /** A connection of the caller's own, which the caller destroys. */
  open(nodeId: number, requestTimeoutMs: number): Promise<BrokerConnection> {
    const address = this.brokers.get(nodeId);
    if (this.closed || address === undefined)
      return Promise.reject(unavailable(`broker ${nodeId} is not known`));
    return BrokerConnection.open(this.clientId, address, requestTimeoutMs);
  }

  /** The shared connection for short questions to one broker. */
  question(nodeId: number): Promise<BrokerConnection> {
    const address = this.brokers.get(nodeId);
    return address === undefined
      ? Promise.reject(unavailable(`broker ${nodeId} is not known`))
      : this.questionAt(address);
  }

  /** The shared connection to whoever answered last. */
  async anyone(): Promise<BrokerConnection> {
    if (this.lastAnswered === undefined) await this.refresh();
    if (this.lastAnswered === undefined) throw unavailable('no broker is known');
    return this.questionAt(this.lastAnswered);
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /** Asks any broker that answers, the last one first. Calls at the same time share one question. */
  refresh(): Promise<void> {
    this.refreshing ??= this.askAnyone().finally(() => (this.refreshing = undefined));
    return this.refreshing;
  }

  close(): void {
    this.closed = true;
    for (const opening of this.questions.values()) {
      opening.then(
        (connection) => connection.destroy(),
        () => {}, // it never opened
      );
    }
    this.questions.clear();
  }

  /** One after another, but a broker that hesitates (frozen, or cut off) does not keep the next from being asked as well. */
  private async askAnyone(): Promise<void> {
    const asked: Promise<void>[] = [];
    for (const address of this.candidates()) {
      if (this.closed) break;
      const attempt = this.askAt(address);
      asked.push(attempt);
      const answered = Promise.any(asked).then(
        () => true,
        () => false, // all that have been asked so far have failed
      );
      const patience = new AbortController();
      const done = await Promise.race([
        answered,
        attempt.then(
          () => true,
          () => false, // said below, when nobody else answers either
        ),
        pause(HESITATION_MS, patience.signal).then(() => false),
      ]);
      patience.abort();
      if (done) return;
    }
    try {
      await Promise.any(asked);
    } catch (error) {
      const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
      this.failure = `no broker answers: ${reasonOf(first)}`;
      throw unavailable(this.failure);
    }
  }

  private async askAt(address: BrokerAddress): Promise<void> {
    const connection = await this.questionAt(address);
    this.learn(await connection.ask(metadataV12.api, TOPICS, false, false));
    this.lastAnswered = address;
    this.failure = undefined;
  }

  private candidates(): Iterable<BrokerAddress> {
    const all = [...this.brokers.values(), ...this.bootstrap];
    if (this.lastAnswered) all.unshift(this.lastAnswered);
    return new Map(all.map((address) => [keyOf(address), address])).values();
  }

  private async questionAt(address: BrokerAddress): Promise<BrokerConnection> {
    if (this.closed) throw unavailable('the log is closed');
    const key = keyOf(address);
    const standing = this.questions.get(key);
    if (standing) {
      const connection = await standing.catch(() => undefined); // a failed one is opened again below
      if (connection?.usable) return connection;
      if (this.questions.get(key) === standing) this.questions.delete(key);
      return this.questionAt(address);
    }
    const opening = BrokerConnection.open(this.clientId, address, QUESTION_TIMEOUT_MS);
    this.questions.set(key, opening);
    try {
      return await opening;
    } catch (error) {
      if (this.questions.get(key) === opening) this.questions.delete(key);
      throw error;
    }
  }

  private learn(answer: Metadata): void {
    this.brokers.clear();
    for (const { nodeId, host, port } of answer.brokers) this.brokers.set(nodeId, { host, port });
    for (const topic of answer.topics) {
      if (topic.name === null || topic.name === undefined || topic.errorCode !== NO_ERROR) continue;
      const last = this.leaders.get(topic.name);
      const known = last?.topicId === topic.topicId ? last.partitions : []; // epochs begin anew with a new topic
      for (const { partitionIndex, leaderId, leaderEpoch } of topic.partitions) {
        // a broker that was away may not have heard of the newest election yet
        if (leaderEpoch < (known[partitionIndex]?.epoch ?? -1)) continue;
        known[partitionIndex] = { nodeId: leaderId, epoch: leaderEpoch };
      }
      this.leaders.set(topic.name, { topicId: topic.topicId, partitions: known });
      const isNew = !this.topicIds.has(topic.topicId); // a broker that was away may still tell of the old one
      this.topicIds.add(topic.topicId);
      if (isNew && last !== undefined)
        for (const listener of this.anewListeners) listener(topic.name as LogTopic); // it was asked for by its name
    }
  }
}

interface Metadata {
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  readonly topics: readonly {
    readonly errorCode: number;
    readonly name?: string | null;
    readonly topicId: string;
    readonly partitions: readonly {
      readonly partitionIndex: number;
      readonly leaderId: number;
      readonly leaderEpoch: number;
    }[];
  }[];
}

function parseAddress(text: string): BrokerAddress {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

function keyOf(address: BrokerAddress): string {
  return `${address.host}:${address.port}`;
}

/** What a writer asks of the cluster. */
export interface LeaderView {
  leaderOf(topic: LogTopic, partition: number): number | undefined;
  open(nodeId: number, requestTimeoutMs: number): Promise<BrokerRequests>;
  refresh(): Promise<void>;
}
