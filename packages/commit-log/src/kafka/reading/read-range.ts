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

/** The records of one partition between two offsets; a leader that moves meanwhile is found again. */
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
      let fetched: FetchedPartition;
      try {
        connection ??= await connect(cluster, topic, partition);
        fetched = await fetchOne(connection, topic, partition, next);
        failures = 0;
      } catch (error) {
        connection?.destroy();
        connection = undefined;
        if (cluster.isClosed || ++failures > TRIES)
          throw unavailable(`cannot read ${topic}/${partition}`, error);
        await pause(backOffMs(failures));
        await cluster.refresh().catch(() => {}); // the next try shows whether it matters
        continue;
      }
      if (fetched.code === OFFSET_OUT_OF_RANGE) {
        const bounds = (await partitionBounds(cluster, topic))[partition];
        if (bounds === undefined || next >= bounds.earliest) return; // past the end
        next = bounds.earliest; // what was there has expired
        continue;
      }
      for (const record of fetched.records) {
        if (record.offset >= to) return;
        yield record;
      }
      if (fetched.nextOffset === next) return; // the end of the log
      next = fetched.nextOffset;
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
