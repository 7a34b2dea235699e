import { beforeEach, expect, it } from '@jest/globals';
import { Hours, ShardProbe, type ProbedServer } from './shard-probe.js';

const HOUR_MS = 3_600_000;
const AT = Date.parse('2026-11-20T21:30:00.000Z');

let nowMs: number;
let posted: string[];
let probe: ShardProbe;
/** Answers of the server, one after the other; then it keeps everything. */
let answers: { status: number; kept?: (time: string) => boolean }[];
let kept: Set<string>;
/** What a question is answered with. */
let asked: number;
let error: string | undefined;

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
  ask: (query) => {
    const results = query.split(';').map((statement) => {
      if (error !== undefined) return { error };
      const time = /time = (\d+)$/.exec(statement)?.[1] ?? '';
      return kept.has(time) ? { series: [{ columns: ['time', 'probe'], values: [[time, 1]] }] } : {};
    });
    return Promise.resolve({ status: asked, body: JSON.stringify({ results }) });
  },
  unavailable: ({ status }) => new Error(`HTTP ${status}`),
};

beforeEach(() => {
  nowMs = 50_000;
  posted = [];
  answers = [];
  kept = new Set();
  asked = 200;
  error = undefined;
  probe = new ShardProbe({ now: () => nowMs });
});

function hoursOf(...times: readonly number[]): Hours {
  const hours = new Hours();
  for (const time of times) hours.add(time);
  return hours;
}

/** Whether a point is in that millisecond. */
const isAt =
  (timeMs: number) =>
  (time: string): boolean =>
    time.startsWith(String(timeMs));

it('writes a point into each hour of a batch, beside its newest record', async () => {
  await probe.before(hoursOf(AT, AT + 2, AT + HOUR_MS, AT + 1), server);
  const times = posted
    .join('')
    .match(/\d+$/gm)
    ?.map((time) => time.slice(0, -6));
  expect(times).toEqual([String(AT + 2), String(AT + HOUR_MS)]);
});

it('writes none where something was written a moment ago', async () => {
  const hours = hoursOf(AT);
  await probe.before(hours, server);
  nowMs += 2_000;
  await probe.before(hours, server);
  probe.written(hours);
  nowMs += 2_000;
  await probe.before(hours, server);
  expect(posted).toHaveLength(1);
  nowMs += 1;
  await probe.before(hours, server);
  expect(posted).toHaveLength(2);
});

it('writes one every 10 s, however much is written', async () => {
  const hours = hoursOf(AT);
  for (let ms = 0; ms <= 20_002; ms += 1) {
    await probe.before(hours, server);
    probe.written(hours);
    nowMs += 1;
  }
  expect(posted).toHaveLength(3);
});

it('writes one after a failure: the server may be another run', async () => {
  const hours = hoursOf(AT);
  await probe.before(hours, server);
  probe.forget();
  await probe.before(hours, server);
  expect(posted).toHaveLength(2);
});

it('writes again what was answered and is not there, also where one was kept before', async () => {
  await probe.before(hoursOf(AT, AT + HOUR_MS), server);
  probe.forget();
  answers = [{ status: 204, kept: isAt(AT) }];
  await probe.before(hoursOf(AT, AT + HOUR_MS), server);
  expect(posted).toHaveLength(3);
  expect(posted[2]).toMatch(new RegExp(`^fieldgate_probe probe=1i ${AT + HOUR_MS}\\d{6}\n$`));
});

it('gives up when it is never there', async () => {
  answers = Array.from({ length: 5 }, () => ({ status: 204, kept: () => false }));
  const gone = expect.objectContaining({ code: 'store-unavailable', retriable: true });
  await expect(probe.before(hoursOf(AT), server)).rejects.toEqual(gone);
  expect(posted).toHaveLength(5);
});

it.each([400, 422])('leaves an hour that is refused with %i to its records, and no other', async (status) => {
  const isKept = (time: string): boolean => !isAt(AT)(time);
  answers = [
    { status, kept: isAt(AT + HOUR_MS) },
    { status, kept: isKept },
    { status: 204, kept: () => false },
  ];
  await probe.before(hoursOf(AT, AT + HOUR_MS, AT + 2 * HOUR_MS), server);
  expect(posted).toHaveLength(4);
  expect(posted[3]).toContain(String(AT + 2 * HOUR_MS));
  expect([...kept].map((time) => time.slice(0, -6))).toEqual([
    String(AT + HOUR_MS),
    String(AT + 2 * HOUR_MS),
  ]);
});

it('throws what the server is not there for', async () => {
  answers = [{ status: 503 }];
  await expect(probe.before(hoursOf(AT), server)).rejects.toThrow('HTTP 503');
  error = 'timeout';
  await expect(probe.before(hoursOf(AT), server)).rejects.toThrow('HTTP 200');
  error = 'database not found: plant';
  await expect(probe.before(hoursOf(AT), server)).rejects.toThrow('HTTP 404');
  asked = 401;
  await expect(probe.before(hoursOf(AT), server)).rejects.toThrow('HTTP 401');
});
