export interface KafkaNode {
  readonly id: number;
  readonly port: number;
  /** Of the running process; undefined while there is none. */
  readonly pid: number | undefined;
  /** SIGKILL. Returns when the process is gone and its ports are free. */
  kill(): Promise<void>;
  /** SIGTERM: a controlled shutdown, which hands over the leaderships; SIGKILL after 15 s. Without a majority of nodes it takes those 15 s. */
  stop(): Promise<void>;
  /**
   * Starts the node again on its data and returns when all running nodes know all running brokers and an active
   * controller. A majority must run: after killing more, start them together (`Promise.all`). Its replicas may still be
   * catching up: `KafkaCluster.untilInSync`.
   */
  start(): Promise<void>;
  /** SIGSTOP: it answers nothing, its connections stay open. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
}

export interface KafkaCluster {
  /** `host:port` of every node, whether it runs or not. */
  readonly bootstrap: readonly string[];
  readonly nodes: readonly KafkaNode[];
  /** Every running node that is not frozen knows all brokers that are not frozen, and an active controller. */
  untilReady(): Promise<void>;
  /** Every partition has a leader and all its replicas in sync. To be awaited before the next node is killed. */
  untilInSync(): Promise<void>;
  /** Ends all nodes and deletes the data folder if it was a temporary one. May be called twice. */
  stop(): Promise<void>;
}

export interface KafkaClusterOptions {
  /** Combined nodes, broker and controller in one. Default 1. Three: replication factor 3 and min ISR 2 as broker defaults and for the internal topics. */
  readonly nodes?: 1 | 3;
  /** Kept by `stop`. Left out: a temporary folder. */
  readonly dataDir?: string;
  /** One element a node. Left out: free ports. */
  readonly ports?: readonly { readonly broker: number; readonly controller: number }[];
  /**
   * One element a node: a second port that it listens on, and the port that its clients there are told to use instead,
   * which is that of a proxy. Brokers talk to each other, and `bootstrap` leads, past it. Default: none.
   */
  readonly fronts?: readonly { readonly listen: number; readonly advertised: number }[];
  /** Of each node. Default 512 for one node, 384 for three. */
  readonly heapMb?: number;
  /** Settings of server.properties beside or instead of those of ops/services. Default: none. */
  readonly properties?: Readonly<Record<string, string>>;
  /** True: outlives this process. Default false: ends with it, however it ends. */
  readonly keepRunning?: boolean;
  /** Each step with its seconds. Default: silent. */
  readonly report?: (line: string) => void;
}

/** Starts a real Kafka on 127.0.0.1 and returns when it is ready. Topics are not created by themselves. */
export function startKafkaCluster(options?: KafkaClusterOptions): Promise<KafkaCluster>;

/**
 * Kafka's jars in `.services/kafka/libs`, fetched once for all clusters of this checkout.
 * `java` and `options` start any of Kafka's classes: `spawn(java, ['-Xmx256m', ...options, 'org.apache.kafka.tools.ProducerPerformance', …])`.
 */
export function ensureKafkaLibs(options?: {
  readonly report?: (line: string) => void;
}): Promise<{ readonly libs: string; readonly java: string; readonly options: readonly string[] }>;
