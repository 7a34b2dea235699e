import { expect } from '@jest/globals';
import { newestBy, only, sum, type Expectation, type Seen } from './expectation.js';
import { COUNTED_ROUNDS, DEVICES, EACH_ROUND } from './lively-fleet.js';
import { expectQuantiles } from './raw-buckets.js';
import { expectNothing, expectRates, expectSame } from './raw-counters.js';

const ONLINE = DEVICES.length + 1;
/** Processes that Prometheus reads. */
const PROCESSES = { kafka: 3, embedded: 1 } as const;

export const GATEWAY_PANELS: Readonly<Record<string, Expectation>> = {
  'Processes up': ([up], { log }) => expect(sum(Object.values(newestBy(up, 'job')))).toBe(PROCESSES[log]),
  'Running since': ([since], { log, launchedMs, askedMs }) => {
    expect(since).toHaveLength(PROCESSES[log]);
    for (const seconds of Object.values(newestBy(since, 'instance'))) {
      expect(seconds).toBeGreaterThan((askedMs - launchedMs[1]) / 1_000 - 1); // its own start is in whole seconds
      expect(seconds).toBeLessThan((askedMs - launchedMs[0]) / 1_000 + 1);
    }
  },
  'Alerts of the gateway itself': ([firing]) => expect(only(firing)).toBe(0), // one that fires: see dashboards-show-trouble
  'Rules and sinks': (invalid) => expect(invalid.map(only)).toEqual([0, 0]),
  Connections: async ([connections], seen) => {
    expect(Object.values(newestBy(connections, 'instance'))).toEqual([ONLINE]);
    const gauge = `fieldgate_gateway_connections{job=~"${jobOf('gateway', seen)}"}`; // the others have it too, at 0
    await expectSame(connections, { gauge, by: ['instance'], is: 'sum' }, seen);
  },
  'CONNECTs by outcome': ([rate], seen) =>
    expectRates(
      rate,
      {
        counter: 'fieldgate_gateway_connects_total',
        by: ['outcome'],
        risen: inAllRounds(EACH_ROUND.connects),
      },
      seen,
    ),
  'Connections that were ended': async ([errors, tooMany, logAway], seen) => {
    await expectNothing(errors, 'fieldgate_gateway_connection_errors_total', 'job', seen);
    await expectNothing(tooMany, 'fieldgate_gateway_dropped_connections_total', 'job', seen);
    await expectNothing(logAway, 'fieldgate_gateway_held_too_long_total', 'job', seen);
  },
  'PUBLISHes by kind': ([rate], seen) =>
    expectRates(rate, { counter: 'fieldgate_gateway_publishes_total', by: ['kind'], risen: PUBLISHED }, seen),
  'Records and acknowledgements': async ([records, acknowledged, lost], seen) => {
    const risen = { [jobOf('gateway', seen)]: 'some' } as const;
    await expectRates(records, { counter: 'fieldgate_gateway_records_total', by: ['job'], risen }, seen);
    const counter = 'fieldgate_gateway_acknowledged_total';
    await expectRates(acknowledged, { counter, by: ['job'], risen }, seen);
    await expectNothing(lost, 'fieldgate_gateway_dropped_qos0_total', 'job', seen);
  },
  'Refusals by code': ([rate], seen) =>
    expectRates(
      rate,
      { counter: 'fieldgate_gateway_refused_total', by: ['code'], risen: inAllRounds(EACH_ROUND.refused) },
      seen,
    ),
  'Flush time of the embedded log': async ([half, most], seen) => {
    const metric = 'fieldgate_embedded_log_commit_seconds';
    if (seen.log === 'kafka') return expect([half, most]).toEqual([[], []]); // there is none
    await expectQuantiles(half, { metric, by: [], quantile: 0.5 }, seen);
    await expectQuantiles(most, { metric, by: [], quantile: 0.99 }, seen);
  },
  'Appends by outcome': async ([kafka, embedded], seen) => {
    if (seen.log === 'kafka') {
      const counted = {
        counter: 'fieldgate_kafka_records_total',
        by: ['outcome'],
        risen: { durable: 'some' },
      } as const;
      await expectRates(kafka, counted, seen);
    } else {
      const counted = {
        counter: 'fieldgate_embedded_log_records_total',
        by: ['result'],
        risen: { appended: 'some' },
      } as const;
      await expectRates(embedded, counted, seen);
    }
    expect(seen.log === 'kafka' ? embedded : kafka).toEqual([]); // the other log is not there
  },
  'Trouble of the log': async ([resent, failed, housekeeping, unreadable], seen) => {
    await expectNothing(failed, 'fieldgate_embedded_log_failed_commits_total', 'job', seen);
    await expectNothing(housekeeping, 'fieldgate_embedded_log_housekeeping_failures_total', 'job', seen);
    if (seen.log === 'kafka')
      await expectNothing(resent, 'fieldgate_kafka_resent_records_total', 'job', seen);
    else expect(resent).toEqual([]); // the client of Kafka is not loaded
    expect(unreadable).toEqual([]); // counted by topic, and there is none yet: see dashboards-show-trouble
  },
  Spool: async ([waiting, states, full], seen) => {
    if (seen.log === 'embedded') return expect([waiting, states, full]).toEqual([[], [], []]); // there is none
    const of = (gauge: string): string => `${gauge}{job=~"${jobOf('gateway', seen)}"}`; // the others have some of it too, at 0
    expect(Object.values(newestBy(waiting, 'instance'))).toEqual([0]); // spooling: see dashboards-show-trouble
    const gauge = of('fieldgate_spool_waiting_records');
    await expectSame(waiting, { gauge, by: ['instance'], is: 'sum' }, seen);
    expect(newestBy(states, 'state')).toEqual({ direct: 1, spooling: 0, draining: 0 });
    await expectSame(states, { gauge: of('fieldgate_spool_state'), by: ['state'], is: 'sum' }, seen);
    expect(only(full)).toBe(0);
  },
  'Group lag': async ([lag], seen) => {
    expect(newestBy(lag, 'group')).toMatchObject({ 'fieldgate.storage': 0, 'fieldgate.alerts': 0 });
    const gauge = 'fieldgate_consumer_group_lag_records';
    await expectSame(lag, { gauge, by: ['group', 'topic'], is: 'max' }, seen);
  },
  'Records of the groups': ([rate], seen) =>
    expectRates(
      rate,
      {
        counter: 'fieldgate_processor_records_total',
        by: ['group', 'outcome'],
        risen: {
          'fieldgate.storage handled': 'some',
          'fieldgate.alerts handled': 'some',
          'fieldgate.command-deadlines handled': 'some',
          'fieldgate.presence handled': 'some',
          'fieldgate.ledger handled': 'some',
          'fieldgate.notify.ops handled': 'some',
        },
      },
      seen,
    ),
  'Retries and losses of the groups': async ([retries, lost], seen) => {
    const counter = 'fieldgate_processor_retries_total';
    await expectRates(retries, { counter, by: ['group'], risen: inAllRounds(EACH_ROUND.retries) }, seen);
    expect(lost).toEqual([]); // what a group loses is older than days: see dashboards-show-trouble
  },
  'HTTP requests': ([rate], seen) =>
    expectRates(
      rate,
      {
        counter: 'fieldgate_http_request_duration_seconds_count',
        by: ['status'],
        risen: { 200: 'some', 202: 'some' },
      },
      seen,
    ),
  'HTTP time by route': ([time], seen) => {
    const metric = 'fieldgate_http_request_duration_seconds';
    return expectQuantiles(time, { metric, by: ['route'], quantile: 0.95 }, seen);
  },
  'Waiting clients': async ([waits, clients], seen) => {
    expect([waits, clients].map((answer) => answer?.length)).toEqual([1, 1]); // of the operator API alone
    const only = `{job=~"${jobOf('operator-api', seen)}"}`;
    for (const [answer, gauge] of [
      [waits, 'fieldgate_http_command_waits'],
      [clients, 'fieldgate_stream_clients'],
    ] as const)
      await expectSame(answer, { gauge: gauge + only, by: ['instance'], is: 'max' }, seen);
  },
  'Alert engine': async ([steps, late, clocks], seen) => {
    const { raised, cleared } = inAllRounds(EACH_ROUND.alerts);
    const risen = { raised: raised + 1, cleared }; // the last reading of `pump.2`
    await expectRates(steps, { counter: 'fieldgate_alerts_transitions_total', by: ['change'], risen }, seen);
    await expectNothing(late, 'fieldgate_alerts_late_readings_total', 'job', seen);
    await expectNothing(clocks, 'fieldgate_alerts_clock_steps_total', 'job', seen);
  },
  Notifications: async ([done, again], seen) => {
    const { raised, cleared } = inAllRounds(EACH_ROUND.alerts);
    const risen = { 'ops delivered': raised + 1 + cleared };
    const counter = 'fieldgate_notifications_total';
    await expectRates(done, { counter, by: ['sink', 'outcome'], risen }, seen);
    expect(again).toEqual([]); // counted by sink, and none was made again: see dashboards-show-trouble
  },
  'Command steps': async ([steps, deadlines], seen) => {
    const { succeeded, rejected, 'timed-out': timedOut } = inAllRounds(EACH_ROUND.commands);
    const all = succeeded + rejected + timedOut;
    const risen = { sent: all, delivered: all, succeeded, rejected };
    await expectRates(steps, { counter: 'fieldgate_gateway_command_steps_total', by: ['step'], risen }, seen);
    await expectRates(
      deadlines,
      { counter: 'fieldgate_command_deadlines_total', by: ['step'], risen: { 'timed-out': timedOut } },
      seen,
    );
  },
  CPU: async ([cores], seen) => {
    expect(cores).toHaveLength(PROCESSES[seen.log]);
    const risen = Object.fromEntries(
      Object.keys(newestBy(cores, 'instance')).map((name) => [name, 'some'] as const),
    );
    await expectRates(cores, { counter: 'process_cpu_seconds_total', by: ['instance'], risen }, seen);
  },
  Memory: async ([resident, heap], seen) => {
    await everyProcessIs(resident, 'process_resident_memory_bytes', seen);
    await everyProcessIs(heap, 'nodejs_heap_size_used_bytes', seen);
  },
  'Event loop delay': ([delay], seen) => everyProcessIs(delay, 'nodejs_eventloop_lag_p99_seconds', seen),
};

/** What the gateway took. A payload that is no JSON came as telemetry, a topic that is none is another kind. */
export const PUBLISHED = inAllRounds({
  telemetry: EACH_ROUND.messages + EACH_ROUND.refused['payload-not-json'],
  event: EACH_ROUND.events,
  response: EACH_ROUND.commands.succeeded + EACH_ROUND.commands.rejected,
  other: EACH_ROUND.refused['topic-unknown'],
});

export function inAllRounds<T extends string>(each: Readonly<Record<T, number>>): Record<T, number> {
  const all = Object.entries<number>(each).map(([name, count]) => [name, count * COUNTED_ROUNDS]);
  return Object.fromEntries(all) as Record<T, number>; // of the same names
}

function jobOf(role: 'gateway' | 'operator-api', { log }: Seen): string {
  return log === 'kafka' ? `fieldgate-${role}` : 'fieldgate';
}

async function everyProcessIs(
  answer: Parameters<Expectation>[0][number] | undefined,
  gauge: string,
  seen: Seen,
): Promise<void> {
  expect(answer).toHaveLength(PROCESSES[seen.log]);
  await expectSame(answer, { gauge, by: ['instance'], is: 'sum' }, seen);
}
