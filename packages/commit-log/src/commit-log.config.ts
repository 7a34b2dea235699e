import { join } from 'node:path';
import { env, type Clock, type Logger } from '@fieldgate/service';
import { z } from 'zod';
import type { CommitLog } from './commit-log.js';
import { createEmbeddedLog } from './embedded/embedded-log.js';

/** The log's part of the environment; each app spreads it into its own schema. */
export const commitLogEnvironment = {
  /** Embedded log, store, generated keys. */
  FIELDGATE_DATA_DIR: env.text().default('./data'),
  /** Unset: the embedded log. */
  FIELDGATE_KAFKA_BROKERS: env.hostList().optional(),
  /** Of topics that Fieldgate creates; unset: 3, or as many as there are brokers, alive or named above. */
  FIELDGATE_KAFKA_REPLICATION_FACTOR: env.integer(1, 9).optional(),
  /** The embedded log's size, above which its oldest records go. */
  FIELDGATE_LOG_MAX_BYTES: env.integer(64 * 1024 ** 2, 1024 ** 4).default(8 * 1024 ** 3),
};

export type CommitLogConfig = z.output<z.ZodObject<typeof commitLogEnvironment>>;

/** The log that the settings name. It is not started yet. */
export async function openCommitLog(
  config: CommitLogConfig,
  parts: { readonly clock: Clock; readonly logger: Logger },
): Promise<CommitLog> {
  const brokers = config.FIELDGATE_KAFKA_BROKERS;
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
  });
}
