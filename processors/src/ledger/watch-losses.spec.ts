import {
  noCounters,
  noLedger,
  noLogCounts,
  type ConnectionLedger,
  type DeviceLedger,
} from '@fieldgate/contracts';
import { beforeEach, expect, it } from '@jest/globals';
import { heardLogger } from '../testing/ledger-under-test.js';
import { WatchLosses } from './watch-losses.js';

const clock = { ms: 0, now: (): number => clock.ms };
let lines: unknown[];
let watch: WatchLosses;
beforeEach(() => {
  clock.ms = 0;
  const heard = heardLogger();
  lines = heard.lines;
  watch = new WatchLosses(clock, heard.logger);
});

function connection(name: string, lost: number): ConnectionLedger {
  const report = { connection: name, gateway: 'gw-1', boot: 'b', number: 1, from: 0, to: 0, final: false };
  const counters = { ...noCounters(), acknowledged: lost };
  return { connection: name, firstAt: 0, lastAt: 0, log: noLogCounts(), report: { ...report, counters } };
}

function look(
  afterMs: number,
  lost: Readonly<Record<string, number>>,
  more: Partial<DeviceLedger> = {},
): void {
  clock.ms += afterMs;
  const connections = Object.entries(lost).map(([name, records]) => connection(name, records));
  watch.look([{ ledger: () => ({ ...noLedger('pump-7'), connections, ...more }) }]);
}

const lost = (name: string, records: number): object => ({
  deviceId: 'pump-7',
  connection: name,
  records,
  msg: 'records are not found in the log',
});

it('a loss that stays for a minute is said, with its device and connection', () => {
  look(0, { one: 5, two: 0 });
  look(59_000, { one: 5, two: 3 });
  expect(lines).toEqual([]);
  look(1_000, { one: 5, two: 3 });
  look(30_000, { one: 5, two: 3 });
  expect(lines).toMatchObject([lost('one', 5)]);
});

it('what is found meanwhile is no loss', () => {
  look(0, { one: 5 });
  look(40_000, { one: 0 });
  look(10_000, { one: 5 });
  look(50_000, { one: 5 });
  expect(lines).toEqual([]);
});

it('a loss is as large as it was all the time, and is said again only when it grows', () => {
  look(0, { one: 100 });
  look(30_000, { one: 5 });
  look(30_000, { one: 80 });
  look(30_000, { one: 5 });
  look(30_000, { one: 90 });
  expect(lines).toMatchObject([lost('one', 5)]);
  look(30_000, { one: 7 });
  look(30_000, { one: 7 });
  look(60_000, { one: 7 });
  expect(lines).toMatchObject([lost('one', 5), lost('one', 7)]);
});

it('a loss is said once an hour', () => {
  for (let minute = 0; minute <= 125; minute += 1) look(60_000, { one: 5 });
  expect(lines).toMatchObject([lost('one', 5), lost('one', 5), lost('one', 5)]);
});

it('a loss of connections that have no name any more is said too', () => {
  const earlier = { ...noLedger('pump-7').earlier, unaccounted: 4 };
  for (let minute = 0; minute < 3; minute += 1) look(60_000, {}, { earlier });
  expect(lines).toMatchObject([lost('earlier', 4)]);
});

it('a log that is lost as a whole is said in few lines at a time', () => {
  const all = Object.fromEntries(Array.from({ length: 25 }, (_, each) => [`c-${each}`, 1]));
  look(0, all);
  look(60_000, all);
  expect(lines).toHaveLength(10);
  for (let each = 0; each < 5; each += 1) look(2_000, all);
  expect(lines).toHaveLength(25);
});
