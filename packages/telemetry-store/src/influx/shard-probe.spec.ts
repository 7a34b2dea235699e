import { beforeEach, expect, it } from '@jest/globals';
import { Hours, ShardProbe, type ProbedServer } from './shard-probe.js';

const HOUR_MS = 3_600_000;
const AT = Date.parse('2026-11-20T21:30:00.000Z');

let nowMs: number;
let posted: string[];
let probe: ShardProbe;
/** Answers of the server, one after the other; then it keeps everything. */
let answers: { status: number; kept?: (hour: string) => boolean }[];
let kept: Set<string>;

const server: ProbedServer = {
  post: (lines) => {
    posted.push(String(lines));
    const { status, kept: keeps = () => true } = answers.shift() ?? { status: 204 };
    for (const line of String(lines).trim().split('\n')) {
      const time = line.split(' ').at(-1) ?? '';
      if (status < 500 && keeps(time)) kept.add(time);
    }
    return Promise.resolve({ status, body: '' });
  },
  tables: (statements) =>
    Promise.resolve(
      statements.map((statement) => {
        const time = /time = (\d+)$/.exec(statement)?.[1] ?? '';
        return { columns: ['time', 'hour'], rows: kept.has(time) ? [[time, 1]] : [] };
      }),
    ),
  unavailable: ({ status }) => new Error(`HTTP ${status}`),
};

beforeEach(() => {
  nowMs = 50_000;
  posted = [];
  answers = [];
  kept = new Set();
  probe = new ShardProbe({ now: () => nowMs });
});

function hoursOf(...times: readonly number[]): Hours {
  const hours = new Hours();
  for (const time of times) hours.add(time);
  return hours;
}

const timeText = (timeMs: number): string => `${timeMs - (timeMs % HOUR_MS)}000000`;

it('writes a point into each hour of a batch, at its beginning', async () => {
  await probe.before(hoursOf(AT, AT + 1, AT + HOUR_MS, AT), server);
  expect(posted.join('').match(/\d+$/gm)).toEqual([timeText(AT), timeText(AT + HOUR_MS)]);
});

it('writes none where something was kept a moment ago', async () => {
  const hours = hoursOf(AT);
  await probe.before(hours, server);
  probe.written(hours);
  nowMs += 2_000;
  await probe.before(hours, server);
  expect(posted).toHaveLength(1);
  nowMs += 1;
  await probe.before(hours, server);
  expect(posted).toHaveLength(2);
});

it('writes one after a failure: the server may be another run', async () => {
  const hours = hoursOf(AT);
  probe.written(hours);
  probe.forget();
  await probe.before(hours, server);
  expect(posted).toHaveLength(1);
});

it('writes again what was answered and is not there', async () => {
  answers = [{ status: 204, kept: (time) => time === timeText(AT) }];
  await probe.before(hoursOf(AT, AT + HOUR_MS), server);
  expect(posted).toHaveLength(2);
  expect(posted[1]).toContain(timeText(AT + HOUR_MS));
  expect(posted[1]).not.toContain(timeText(AT));
});

it('gives up when it is never there', async () => {
  answers = Array.from({ length: 5 }, () => ({ status: 204, kept: () => false }));
  const gone = expect.objectContaining({ code: 'store-unavailable', retriable: true });
  await expect(probe.before(hoursOf(AT), server)).rejects.toEqual(gone);
  expect(posted).toHaveLength(5);
});

it('asks for each hour by itself when one of them is refused, and leaves that to the records', async () => {
  const isKept = (time: string): boolean => time !== timeText(AT);
  answers = [
    { status: 400, kept: () => false },
    { status: 400, kept: isKept },
    { status: 204, kept: isKept },
  ];
  await probe.before(hoursOf(AT, AT + HOUR_MS), server);
  expect(posted).toHaveLength(3);
  expect([...kept]).toEqual([timeText(AT + HOUR_MS)]);
});

it('throws what the server is not there for', async () => {
  answers = [{ status: 503 }];
  await expect(probe.before(hoursOf(AT), server)).rejects.toThrow('HTTP 503');
});
