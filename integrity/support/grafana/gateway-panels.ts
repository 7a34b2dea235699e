import { expect } from '@jest/globals';
import {
  countBy,
  expectAbout,
  expectNothing,
  expectRisen,
  newestBy,
  only,
  sum,
  type Expectation,
} from './expectation.js';
import { DEVICES, SENT } from './lively-fleet.js';

const ONLINE = DEVICES.length + 1;
/** Processes that Prometheus reads. */
const PROCESSES = { kafka: 3, embedded: 1 } as const;

export const GATEWAY_PANELS: Readonly<Record<string, Expectation>> = {
  'Processes up': ([up], log) => expect(sum(Object.values(newestBy(up, 'job')))).toBe(PROCESSES[log]),
  'Running since': ([since], log) => {
    expect(since).toHaveLength(PROCESSES[log]);
    for (const seconds of Object.values(newestBy(since, 'instance'))) {
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThan(600);
    }
  },
  'Alerts of the gateway itself': ([firing]) => expect(only(firing)).toBe(0),
  'Rules and sinks': (invalid) => expect(invalid.map(only)).toEqual([0, 0]),
  Connections: ([connections]) => expect(Object.values(newestBy(connections, 'instance'))).toEqual([ONLINE]),
  'CONNECTs by outcome': ([rate]) => expectRisen(rate, 'outcome', ['accepted', 'device-secret-wrong']),
  'Connections that were ended': (kinds) => {
    expect(kinds).toHaveLength(3);
    for (const kind of kinds) expect(kind).not.toEqual([]);
    for (const kind of kinds.slice(1)) expectNothing(kind);
  },
  'PUBLISHes by kind': ([rate]) => {
    const counts = countBy(rate, 'kind');
    expectAbout(counts['telemetry'], SENT.messages + SENT.refused['payload-not-json']);
    expectAbout(counts['response'], SENT.commands.succeeded + SENT.commands.rejected);
  },
  'Records and acknowledgements': ([records, acknowledged, lost]) => {
    expectAbout(sum(Object.values(countBy(records, 'job'))), SENT.messages + SENT.events.length + 4);
    expectAbout(sum(Object.values(countBy(acknowledged, 'job'))), SENT.messages + SENT.events.length + 7);
    expectNothing(lost);
  },
  'Refusals by code': ([rate]) => expectRisen(rate, 'code', Object.keys(SENT.refused)),
  'Flush time of the embedded log': (quantiles, log) => {
    for (const quantile of quantiles) {
      if (log === 'kafka') expect(quantile).toEqual([]);
      else
        for (const [, seconds] of quantile[0]?.rows ?? [[0, Number.NaN]]) expect(seconds).toBeGreaterThan(0);
    }
  },
  'Appends by outcome': ([kafka, embedded], log) => {
    expectRisen(log === 'kafka' ? kafka : embedded, log === 'kafka' ? 'outcome' : 'result', [
      log === 'kafka' ? 'durable' : 'appended',
    ]);
    expect(log === 'kafka' ? embedded : kafka).toEqual([]);
  },
  'Trouble of the log': ([resent, failed, housekeeping, unreadable], log) => {
    for (const trouble of [failed, housekeeping]) expectNothing(trouble);
    if (log === 'kafka') expectNothing(resent);
    else expect(resent).toEqual([]); // the client of Kafka is not loaded
    expect(unreadable).toEqual([]); // counted by topic: none yet
  },
  'Group lag': ([lag]) =>
    expect(newestBy(lag, 'group')).toMatchObject({ 'fieldgate.storage': 0, 'fieldgate.alerts': 0 }),
  'Records of the groups': ([rate]) => {
    expectRisen(rate, 'group', ['fieldgate.storage', 'fieldgate.alerts']);
    expect(Object.keys(countBy(rate, 'outcome'))).toEqual(['handled']);
  },
  'Retries and losses of the groups': (troubles) => expect(troubles).toEqual([[], []]), // counted by group: none yet
  'HTTP requests': ([rate]) => expectRisen(rate, 'status', ['200', '201']),
  'HTTP time by route': ([time]) => {
    const seconds = newestOf(time, '/v1/devices/:id/commands');
    expect(seconds).toBeGreaterThan(0);
  },
  'Waiting clients': ([waits, clients]) => {
    expectNothing(waits);
    expectNothing(clients);
    expect([waits, clients].map((answer) => answer?.length)).toEqual([1, 1]); // of the operator API alone
  },
  'Alert engine': ([steps, late, clocks]) => {
    expectRisen(steps, 'change', ['raised', 'cleared']);
    expectNothing(late);
    expectNothing(clocks);
  },
  Notifications: ([done, again]) => {
    expectRisen(done, 'outcome', ['delivered']);
    expect(again).toEqual([]); // counted by sink: none was made again
  },
  'Command steps': ([steps, deadlines]) => {
    expectRisen(steps, 'step', ['sent', 'succeeded', 'rejected']);
    expect(Object.keys(countBy(deadlines, 'step'))).toEqual(['timed-out']);
  },
  CPU: ([cores], log) => everyProcess(cores, log, [0, 16]),
  Memory: ([resident, heap], log) => {
    everyProcess(resident, log, [20e6, 4e9]);
    everyProcess(heap, log, [5e6, 4e9]);
  },
  'Event loop delay': ([delay], log) => everyProcess(delay, log, [0.000_1, 10]),
};

function everyProcess(
  answer: Parameters<Expectation>[0][number] | undefined,
  log: 'kafka' | 'embedded',
  [from, to]: readonly [number, number],
): void {
  const values = Object.values(newestBy(answer, 'instance'));
  expect(values).toHaveLength(PROCESSES[log]);
  for (const value of values) {
    expect(value).toBeGreaterThanOrEqual(from);
    expect(value).toBeLessThan(to);
  }
}

function newestOf(answer: Parameters<Expectation>[0][number] | undefined, route: string): number | undefined {
  return newestBy(answer, 'route')[route];
}
