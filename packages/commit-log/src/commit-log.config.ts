import { join } from 'node:path';
import { env, type Clock, type Logger } from '@fieldgate/service';
import { z } from 'zod';
import type { CommitLog } from './commit-log.js';
import { createEmbeddedLog } from './embedded/embedded-log.js';
import type { SpoolOptions } from './kafka/kafka-log.js';
import { warnOfForgottenSpools } from './spool/forgotten-spools.js';

/** The log's part of the environment; each app spreads it into its own schema. */
export const commitLogEnvironment = {
  /** Embedded log, store, generated keys. */
  FIELDGATE_DATA_DIR: env.text().default('./data'),
  /** Unset: the embedded log. */
  FIELDGATE_KAFKA_BROKERS: env.hostList().optional(),
  /** Of topics that Fieldgate creates; unset: 3, or as many as there are brokers, alive or named above. */
  FIELDGATE_KAFKA_REPLICATION_FACTOR: env.integer(1, 9).optional(),
  /** Kafka only: while the log does not answer, what devices send goes to a spool in the data directory of the gateway. */
  FIELDGATE_SPOOL: env.boolean().default(true),
  /** After so long without an answer. */
  FIELDGATE_SPOOL_AFTER_MS: env.integer(500, 8_000).default(2_000),
  /** Above these the spool takes no more, and devices are turned away. */
  FIELDGATE_SPOOL_MAX_BYTES: env.integer(4 * 1024 ** 2, 1024 ** 4).default(4 * 1024 ** 3),
  FIELDGATE_SPOOL_MAX_AGE_HOURS: env.integer(1, 30 * 24).default(72),
  /** From the spool into the log, when that answers again. */
  FIELDGATE_SPOOL_DRAIN_RECORDS_PER_SECOND: env.integer(1, 10_000_000).default(100_000),
  /** The embedded log's size, above which its oldest records go. */
  FIELDGATE_LOG_MAX_BYTES: env.integer(64 * 1024 ** 2, 1024 ** 4).default(8 * 1024 ** 3),
};

export type CommitLogConfig = z.output<z.ZodObject<typeof commitLogEnvironment>>;

export interface CommitLogParts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of a process that takes devices in: names its spool. */
  readonly gatewayId?: string;
}

/** The log that the settings name. It is not started yet. Records that no spool of it would drain are warned of. */
export async function openCommitLog(
  config: CommitLogConfig,
  { gatewayId, ...parts }: CommitLogParts,
): Promise<CommitLog> {
  const brokers = config.FIELDGATE_KAFKA_BROKERS;
  if (gatewayId !== undefined) {
    const isDrained = brokers !== undefined && config.FIELDGATE_SPOOL;
    const directory = join(config.FIELDGATE_DATA_DIR, 'spool');
    await warnOfForgottenSpools({ directory, gatewayId, isDrained }, parts);
  }
  if (brokers === undefined)
    return createEmbeddedLog({
      ...parts,
      directory: join(config.FIELDGATE_DATA_DIR, 'log'),
      maxBytes: config.FIELDGATE_LOG_MAX_BYTES,
    });
  const { createKafkaLog } = await import('./kafka/kafka-log.js'); // two Kafka clients are not loaded where there is no Kafka
  const replicationFactor = config.FIELDGATE_KAFKA_REPLICATION_FACTOR;
  return createKafkaLog({
    ...parts,
    brokers,
    clientId: 'fieldgate',
    ...(replicationFactor && { replicationFactor }),
    ...(gatewayId !== undefined && config.FIELDGATE_SPOOL && { spool: spoolOf(config, gatewayId) }),
  });
}

function spoolOf(config: CommitLogConfig, gatewayId: string): SpoolOptions {
  return {
    directory: join(config.FIELDGATE_DATA_DIR, 'spool', gatewayId),
    afterMs: config.FIELDGATE_SPOOL_AFTER_MS,
    maxBytes: config.FIELDGATE_SPOOL_MAX_BYTES,
    maxAgeMs: config.FIELDGATE_SPOOL_MAX_AGE_HOURS * 3_600_000,
    drainRecordsPerSecond: config.FIELDGATE_SPOOL_DRAIN_RECORDS_PER_SECOND,
  };
}
