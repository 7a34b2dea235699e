import type { LogTopic } from '@fieldgate/contracts';
import { backOffMs, pause } from '@fieldgate/service';
import type { LogRecord } from '../../log-record.js';
import type { BrokerConnection } from '../protocol/broker-connection.js';
import type { ClusterView } from '../protocol/cluster-view.js';
import { fetchRecords, type FetchedPartition } from '../protocol/fetch-records.js';
import { partitionBounds } from '../protocol/log-offsets.js';
import { codeName, NO_ERROR, OFFSET_OUT_OF_RANGE, unavailable } from '../protocol/protocol-codes.js';

const REQUEST_TIMEOUT_MS = 3_000;
const LIMITS = { maxWaitMs: 0, maxBytes: 1024 * 1024, maxBytesPerPartition: 1024 * 1024 };
const TRIES = 8;

/**
 * The records of one partition between two offsets; a leader that moves meanwhile is found again. For a moment the new one may show less than
 * the one before had: what is missing there is waited for, because whoever reads takes a range that ends for one that was read.
 */
export async function* readRange(
  cluster: ClusterView,
  topic: LogTopic,
  range: { readonly partition: number; readonly from: number; readonly to: number },
): AsyncIterable<LogRecord> {
  const { partition, to } = range;
  let connection: BrokerConnection | undefined;
  let failures = 0;
  let next = range.from;
  try {
    while (next < to) {
      let fetched: FetchedPartition | undefined;
      let failure: unknown;
      try {
        connection ??= await connect(cluster, topic, partition);
        fetched = await fetchOne(connection, topic, partition, next);
      } catch (error) {
        failure = error;
      }
      if (fetched && fetched.nextOffset > next) {
        for (const record of fetched.records) {
          if (record.offset >= to) return;
          yield record;
        }
        next = fetched.nextOffset;
        failures = 0;
        continue;
      }
      if (fetched) {
        const bounds = await partitionBounds(cluster, topic, partition);
        if (bounds === undefined || next >= bounds.end) return; // the end of the log
        if (next < bounds.earliest) {
          next = bounds.earliest; // what was there has expired
          continue;
        }
        failure = unavailable(`nothing at ${next}, although the end is ${bounds.end}`);
      }
      connection?.destroy();
      connection = undefined;
      if (cluster.isClosed || ++failures > TRIES)
        throw unavailable(`cannot read ${topic}/${partition}`, failure);
      await pause(backOffMs(failures));
      await cluster.refresh().catch(() => {}); // the next try shows whether it matters
    }
  } finally {
    connection?.destroy();
  }
}

async function connect(cluster: ClusterView, topic: LogTopic, partition: number): Promise<BrokerConnection> {
  const leader = cluster.leaderOf(topic, partition);
  if (leader === undefined) throw unavailable(`${topic}/${partition} has no leader`);
  return cluster.open(leader, REQUEST_TIMEOUT_MS);
}

async function fetchOne(
  connection: BrokerConnection,
  topic: LogTopic,
  partition: number,
  from: number,
): Promise<FetchedPartition> {
  const [fetched] = await fetchRecords(connection, topic, new Map([[partition, from]]), LIMITS);
  if (fetched === undefined) throw unavailable(`the answer does not name ${topic}/${partition}`);
  if (fetched.code === NO_ERROR || fetched.code === OFFSET_OUT_OF_RANGE) return fetched;
  throw unavailable(`${topic}/${partition}: ${codeName(fetched.code)}`);
}
