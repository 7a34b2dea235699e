import { FieldgateError, LOG_TOPICS, type LogTopic } from '@fieldgate/contracts';
import { backOffMs, pause, type Clock, type Logger } from '@fieldgate/service';
import type { CommitLog } from '../commit-log.js';
import type { LogWriter, Settle } from '../log-writer.js';
import { DiskSpool } from '../spool/disk-spool.js';
import { SpoolingWriter, type SpoolLimits } from '../spool/spooling-writer.js';
import { ClusterView } from './protocol/cluster-view.js';
import { createKafkaJs } from './reading/kafka-js.js';
import { KafkaReader } from './reading/kafka-reader.js';
import { prepareTopics } from './kafka-topics.js';
import { KafkaWriter } from './writing/kafka-writer.js';
import { reasonOf, unavailable } from './protocol/protocol-codes.js';

export interface KafkaLogOptions {
  /** `host:port` of some brokers; the others are learnt from these. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Of topics that are created. Default: 3, or as many as there are brokers, alive or named above. */
  readonly replicationFactor?: number;
  /** How long an append may stay unsettled while brokers are away. Default 10 s. */
  readonly deliveryTimeoutMs?: number;
  /** For what devices send while the log is away. Left out: they wait for as long as any append, and are turned away then. */
  readonly spool?: SpoolOptions;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface SpoolOptions extends SpoolLimits {
  readonly directory: string;
}

const DEFAULT_DELIVERY_TIMEOUT_MS = 10_000;
const DEFAULT_GRACE_MS = 10_000;
/** So that an outage is known also while nobody appends. */
const LOOK_EVERY_MS = 5_000;
const TOPICS = Object.keys(LOG_TOPICS) as LogTopic[]; // the keys are its type

/** The commit log on Kafka: acknowledged by all in-sync replicas, created and checked at the start. */
export function createKafkaLog(options: KafkaLogOptions): CommitLog {
  const logger = options.logger.child({ component: 'kafka-log' });
  const cluster = new ClusterView(options.clientId, options.brokers);
  const kafka = createKafkaJs({ ...options, logger });
  const writer = new KafkaWriter({
    cluster,
    logger,
    clock: options.clock,
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? DEFAULT_DELIVERY_TIMEOUT_MS,
    ...(options.spool && { ingestTimeoutMs: options.spool.afterMs }),
  });
  const spool = options.spool && spoolBefore(writer, options.spool, { clock: options.clock, logger });
  const reader = new KafkaReader({
    cluster,
    kafka,
    logger,
    partitionOf: (topic, key) => writer.partitionOf(topic, key),
  });
  const stopping = new AbortController();
  let started: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;
  let waitingFor: string | undefined;
  let looking: NodeJS.Timeout | undefined;

  async function open(): Promise<void> {
    await spool?.disk.open(); // a spool that cannot be used is said at once, also while Kafka is away
    await prepared();
    writer.start(TOPICS.map((topic) => [topic, cluster.partitionsOf(topic)] as const));
    spool?.writer.start();
    looking = setInterval(() => void cluster.refresh().catch(() => {}), LOOK_EVERY_MS); // said by problem()
    looking.unref();
  }

  /** A log that is away is waited for; a topic that is wrong is not. */
  async function prepared(): Promise<void> {
    for (let attempt = 0; !stopping.signal.aborted; attempt++) {
      try {
        await cluster.refresh();
        const brokers = { alive: cluster.size, configured: new Set(options.brokers).size };
        const weak = await prepareTopics(kafka, { brokers, replicationFactor: options.replicationFactor });
        await cluster.refresh();
        const unknown = TOPICS.filter((topic) => cluster.partitionsOf(topic) === 0);
        if (unknown.length > 0) throw unavailable(`not known to every broker yet: ${unknown.join(', ')}`);
        waitingFor = undefined;
        if (weak.length > 0)
          logger.warn(
            { topics: weak },
            'topics have few replicas: one lost broker loses records or stops appends',
          );
        return;
      } catch (error) {
        if (error instanceof FieldgateError && !error.retriable) throw error;
        if (attempt === 0)
          logger.warn({ brokers: options.brokers, reason: reasonOf(error) }, 'kafka is waited for');
        waitingFor = `Kafka at ${options.brokers.join(', ')} cannot be used yet: ${reasonOf(error)}`;
        await pause(backOffMs(attempt), stopping.signal);
      }
    }
    throw unavailable('stopped before Kafka could be reached');
  }

  /**
   * Readers first: a handler may append what it has in hand. Then the writer, with what is left of the grace. A member whose handler does
   * not end, or whose coordinator is away, is not waited for any longer.
   */
  async function close(graceMs: number): Promise<void> {
    stopping.abort();
    clearInterval(looking);
    const startedAt = performance.now();
    const ended = new AbortController();
    await Promise.race([reader.stop(), pause(graceMs, ended.signal)]);
    ended.abort();
    reader.abandon();
    await spool?.writer.stopDraining();
    await writer.stop(Math.max(0, graceMs - (performance.now() - startedAt)));
    await spool?.writer.stop();
    cluster.close();
  }

  return {
    writer,
    ingest: spool?.writer ?? ingestOf(writer),
    reader,
    start: () => (started ??= open()),
    stop: (graceMs = DEFAULT_GRACE_MS) => (stopped ??= close(graceMs)),
    problem: () => waitingFor ?? writer.problem() ?? cluster.problem(),
    spool: () => spool?.writer.status(),
  };
}

function ingestOf(writer: KafkaWriter): LogWriter {
  return {
    append: (record, settle) => writer.ingest(record, settle as Settle), // it gets its own record back
    drained: (listener) => writer.drained(listener),
  };
}

function spoolBefore(
  log: KafkaWriter,
  { directory, ...limits }: SpoolOptions,
  parts: { readonly clock: Clock; readonly logger: Logger },
): { readonly disk: DiskSpool; readonly writer: SpoolingWriter } {
  const logger = parts.logger.child({ component: 'spool' });
  const disk = new DiskSpool({ directory, logger, damaged: () => undefined }); // it has said and counted it
  const monotonic = { now: () => performance.now() };
  return { disk, writer: new SpoolingWriter({ log, disk, limits, clock: parts.clock, monotonic, logger }) };
}
