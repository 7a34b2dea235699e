import type { Logger } from '@fieldgate/service';
import kafkajs, { type Kafka, type LogEntry } from 'kafkajs';
import { readFetchesOurselves } from './fetch-response.js';

/** kafkajs with its reports in our log: much that it calls an error it then mends by itself, so its errors are our warnings, the rest debug lines. */
export function createKafkaJs(options: {
  readonly clientId: string;
  readonly brokers: readonly string[];
  readonly logger: Logger;
}): Kafka {
  readFetchesOurselves();
  return new kafkajs.Kafka({
    clientId: options.clientId,
    brokers: [...options.brokers],
    connectionTimeout: 2_000,
    requestTimeout: 10_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
    logCreator: () => (entry) => writeTo(options.logger, entry),
  });
}

function writeTo(logger: Logger, { namespace, level, log }: LogEntry): void {
  const { message, error, groupId, broker } = log as Readonly<Record<string, unknown>>; // its type says only `any`
  const line = { client: `kafkajs ${namespace}`, reason: error ?? message, groupId, broker };
  // every answer with a code is an "error" of a Connection, rebalances among them; what ends a membership is said by our own warning
  const loud = level === kafkajs.logLevel.ERROR && namespace !== 'Connection';
  logger[loud ? 'warn' : 'debug'](line, 'kafka client reports');
}
