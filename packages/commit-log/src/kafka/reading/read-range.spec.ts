import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { fetchV12 } from '@platformatic/kafka';
import type { ClusterView } from '../protocol/cluster-view.js';
import { NO_ERROR, OFFSET_OUT_OF_RANGE } from '../protocol/protocol-codes.js';
import { readRange } from './read-range.js';

const EARLIEST = -2n;

/** Between two tries there is a pause. */
beforeEach(() => void jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] }));
afterEach(() => void jest.useRealTimers());

/** One partition, and its leader: `shown` is how far it lets the next fetch see, `end` what it says of itself. */
interface Leader {
  readonly earliest?: number;
  readonly end: number;
  readonly shown: () => number;
}

function batchOf(from: number, to: number): unknown {
  return {
    firstOffset: BigInt(from),
    lastOffsetDelta: to - from - 1,
    attributes: 0,
    firstTimestamp: 1n,
    records: Array.from({ length: to - from }, (_, offsetDelta) => ({
      offsetDelta,
      timestampDelta: 0n,
      key: Buffer.from('pump-7'),
      value: Buffer.from('{}'),
    })),
  };
}

function fetched(from: number, { earliest = 0, end, shown }: Leader): unknown {
  const highWatermark = shown();
  const isOut = from < earliest || from > end;
  const records = !isOut && from < highWatermark ? [batchOf(from, highWatermark)] : [];
  const errorCode = isOut ? OFFSET_OUT_OF_RANGE : NO_ERROR;
  const partitions = [{ partitionIndex: 0, errorCode, highWatermark: BigInt(highWatermark), records }];
  return { responses: [{ partitions }] };
}

async function offsetsOf(leader: Leader, range: { from: number; to: number }): Promise<number[]> {
  const connection = {
    destroy: () => {},
    ask: async (api: unknown, ...request: unknown[]): Promise<unknown> => {
      if (api === fetchV12.api) {
        const [topic] = request[6] as [{ partitions: [{ fetchOffset: bigint }] }]; // as fetch-records.ts asks
        return fetched(Number(topic.partitions[0].fetchOffset), leader);
      }
      const [topic] = request[2] as [{ partitions: [{ timestamp: bigint }] }]; // as log-offsets.ts asks
      const isFirst = topic.partitions[0].timestamp === EARLIEST;
      const offset = BigInt(isFirst ? (leader.earliest ?? 0) : leader.end);
      return { topics: [{ partitions: [{ partitionIndex: 0, errorCode: NO_ERROR, offset }] }] };
    },
  };
  const cluster = {
    isClosed: false,
    partitionsOf: () => 1,
    leaderOf: () => 1,
    question: () => Promise.resolve(connection),
    open: () => Promise.resolve(connection),
    refresh: () => Promise.resolve(),
  } as unknown as ClusterView; // all that a range asks of it
  const offsets: number[] = [];
  const reading = (async () => {
    const records = readRange(cluster, 'fieldgate.ledger.v1', { partition: 0, ...range });
    for await (const { offset } of records) offsets.push(offset);
  })();
  let isOver = false;
  const over = (): boolean => (isOver = true);
  reading.then(over, over);
  while (!isOver) {
    await jest.advanceTimersByTimeAsync(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await reading;
  return offsets;
}

it('waits for what a new leader does not show yet', async () => {
  let asked = 0;
  const shown = (): number => ((asked += 1) <= 3 ? 7 : 10);
  expect(await offsetsOf({ end: 10, shown }, { from: 0, to: 10 })).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

it('is no range that was read when the leader shows the rest never', async () => {
  const reading = offsetsOf({ end: 10, shown: () => 7 }, { from: 0, to: 10 });
  await expect(reading).rejects.toMatchObject({ code: 'log-unavailable', retriable: true });
});

it.each([
  [{ from: 5, to: 1_000 }, { end: 10 }, [5, 6, 7, 8, 9]],
  [{ from: 10, to: 1_000 }, { end: 10 }, []],
  [{ from: 900, to: 1_000 }, { end: 10 }, []],
  [{ from: 2, to: 9 }, { earliest: 6, end: 10 }, [6, 7, 8]],
  [{ from: 2, to: 9 }, { earliest: 10, end: 10 }, []],
])('reads %j of what is there %j', async (range, { end, ...more }, offsets) => {
  expect(await offsetsOf({ end, shown: () => end, ...more }, range)).toEqual(offsets);
});
