import type { LogTopic } from '@fieldgate/contracts';
import { fetchV12 } from '@platformatic/kafka';
import type { LogRecord } from '../../log-record.js';
import type { BrokerConnection } from './broker-connection.js';

const ANY_LEADER_EPOCH = -1;
const READ_UNCOMMITTED = 0; // nobody writes transactions
const NO_SESSION = [0, -1] as const;
/** Set in a batch's attributes when it holds marks of transactions instead of records. */
const CONTROL_BATCH = 1 << 5;
/** Set when the broker's clock counts, not the writer's. */
const LOG_APPEND_TIME = 1 << 3;

export interface FetchedPartition {
  readonly partition: number;
  readonly code: number;
  readonly records: readonly LogRecord[];
  /** Where to go on; compaction leaves gaps, so this may be past the last record. */
  readonly nextOffset: number;
  /** The offset that the next append will get, as far as all in-sync replicas have it. */
  readonly end: number;
}

/** What the leader has from these offsets on; waits up to `maxWaitMs` when it has nothing. */
export async function fetchRecords(
  connection: BrokerConnection,
  topic: LogTopic,
  wanted: ReadonlyMap<number, number>,
  limits: { readonly maxWaitMs: number; readonly maxBytes: number; readonly maxBytesPerPartition: number },
): Promise<FetchedPartition[]> {
  const partitions = Array.from(wanted, ([partition, offset]) => ({
    partition,
    currentLeaderEpoch: ANY_LEADER_EPOCH,
    fetchOffset: BigInt(offset),
    lastFetchedEpoch: ANY_LEADER_EPOCH,
    partitionMaxBytes: limits.maxBytesPerPartition,
  }));
  const minBytes = limits.maxWaitMs === 0 ? 0 : 1;
  const answer = await connection.ask(
    fetchV12.api,
    limits.maxWaitMs,
    minBytes,
    limits.maxBytes,
    READ_UNCOMMITTED,
    ...NO_SESSION,
    [{ topicId: topic, partitions }], // version 12 goes by name, whatever the field is called
    [],
    '',
  );
  return answer.responses.flatMap((response) =>
    response.partitions.map((fetched) => decode(topic, fetched, wanted.get(fetched.partitionIndex) ?? 0)),
  );
}

type Fetched = Awaited<ReturnType<typeof fetchV12.api.async>>['responses'][number]['partitions'][number];

function decode(topic: LogTopic, fetched: Fetched, from: number): FetchedPartition {
  const partition = fetched.partitionIndex;
  const records: LogRecord[] = [];
  let nextOffset = from;
  for (const batch of fetched.records ?? []) {
    const first = Number(batch.firstOffset);
    nextOffset = Math.max(nextOffset, first + batch.lastOffsetDelta + 1);
    if (batch.attributes & CONTROL_BATCH) continue;
    const firstMs = Number(batch.firstTimestamp);
    const brokersMs = batch.attributes & LOG_APPEND_TIME ? Number(batch.maxTimestamp) : undefined;
    for (const { offsetDelta, timestampDelta, key, value } of batch.records) {
      const offset = first + offsetDelta;
      if (offset < from) continue; // a batch comes whole, also when the wanted offset is in its middle
      const timestampMs = brokersMs ?? firstMs + Number(timestampDelta);
      records.push({ topic, partition, offset, key: key?.toString() ?? '', value, timestampMs });
    }
  }
  return { partition, code: fetched.errorCode, records, nextOffset, end: Number(fetched.highWatermark) };
}
