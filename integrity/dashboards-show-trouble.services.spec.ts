import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { Answer } from './support/grafana/answers.js';
import { dashboards } from './support/grafana/dashboard.js';
import { DashboardReader } from './support/grafana/dashboard-reader.js';
import { newestBy, only } from './support/grafana/expectation.js';
import { SCRAPE_MS } from './support/grafana/prometheus-beside.js';
import { expectDrawnRates, risenBy } from './support/grafana/raw-counters.js';
import { settles } from './support/grafana/settles.js';
import { openStandIn, type StandIn } from './support/grafana/stand-in.js';

jest.setTimeout(60_000);

/**
 * What an installation that is well does not show: [panel, target, what the process says, how the line is named]. The other test sees these
 * empty, or at 0; here it is seen that they are not when there is something.
 */
const TROUBLE = [
  ['Connections that were ended', 0, 'fieldgate_gateway_connection_errors_total', 'fieldgate'],
  ['Connections that were ended', 1, 'fieldgate_gateway_dropped_connections_total', 'fieldgate'],
  ['Connections that were ended', 2, 'fieldgate_gateway_held_too_long_total', 'fieldgate'],
  ['Records and acknowledgements', 2, 'fieldgate_gateway_dropped_qos0_total', 'fieldgate'],
  ['Trouble of the log', 0, 'fieldgate_kafka_resent_records_total', 'fieldgate'],
  ['Trouble of the log', 1, 'fieldgate_embedded_log_failed_commits_total', 'fieldgate'],
  ['Trouble of the log', 2, 'fieldgate_embedded_log_housekeeping_failures_total', 'fieldgate'],
  ['Trouble of the log', 3, 'fieldgate_log_unreadable_records_total{topic="readings"}', 'readings'],
  [
    'Retries and losses of the groups',
    1,
    'fieldgate_consumer_group_expired_records_total{group="store",topic="readings"}',
    'store readings',
  ],
  ['Alert engine', 1, 'fieldgate_alerts_late_readings_total', 'fieldgate'],
  ['Alert engine', 2, 'fieldgate_alerts_clock_steps_total', 'fieldgate'],
  ['Notifications', 1, 'fieldgate_notification_retries_total{sink="ops"}', 'ops'],
] as const;
const REFUSED = 'fieldgate_processor_records_total{group="store",outcome="refused"}';
const INVALID = ['fieldgate_alert_rules_invalid', 'fieldgate_notification_sinks_invalid'];
const SPOOLING = [
  'fieldgate_spool_waiting_records',
  'fieldgate_spool_state{state="spooling"}',
  'fieldgate_spool_full',
];
const FIRING = 'ALERTS{alertname="FieldgateStandIn",alertstate="firing"}';

const every = { instance: { chosen: [], multi: true, allValue: '.+' } };
let standIn: StandIn;
let reader: DashboardReader;

beforeAll(async () => {
  standIn = await openStandIn(
    TROUBLE.map(([, , sample]) => String(sample)).concat(REFUSED),
    INVALID.concat(SPOOLING, FIRING),
  );
  const { prometheus, fromMs } = standIn;
  reader = new DashboardReader(
    { influx: '', database: '', prometheus, scrapeMs: SCRAPE_MS },
    { prometheus: fromMs, influxdb: fromMs },
  );
}, 60_000);
afterAll(() => standIn?.close(), 30_000);

it.each(TROUBLE)('%s, line %d: %s', async (title, target, sample, name) => {
  const pace = TROUBLE.findIndex((row) => row[2] === sample) + 1;
  await settles(async () => {
    const toMs = Date.now();
    const answer = (await shown('fieldgate-gateway', title, toMs))[target];
    const by = answer?.[0]?.labels ?? {};
    const raw = (selector: string): Promise<Answer> => reader.raw(selector, toMs);
    const samples = (selector: string): Promise<Answer> => reader.samples(selector, toMs);
    const counted = { counter: sample, by: Object.keys(by) };
    const risen = await risenBy(counted, { raw });
    expect(Object.keys(risen)).toEqual([name]);
    expect(risen[name]).toBeGreaterThanOrEqual(3 * pace);
    await expectDrawnRates(answer, counted, { samples });
  });
});

it('Refused since the start: by a group', async () => {
  const toMs = Date.now();
  const [, groups] = await shown('fieldgate-fleet', 'Refused since the start', toMs);
  const [raw] = await reader.raw(REFUSED, toMs);
  const { store } = newestBy(groups, 'group');
  expect(store).toBeGreaterThan(0);
  const pace = TROUBLE.length + 1; // one scrape may lie between the two questions
  expect(Math.abs(Number(store) - Number(raw?.rows.at(-1)?.[1]))).toBeLessThanOrEqual(pace);
});

it('rules and sinks that are not usable, and an alert of the gateway itself', async () => {
  expect((await shown('fieldgate-gateway', 'Rules and sinks')).map(only)).toEqual([1, 1]);
  expect((await shown('fieldgate-gateway', 'Alerts of the gateway itself')).map(only)).toEqual([1]);
});

it('a gateway that spools, and whose spool takes no more', async () => {
  const answers = await shown('fieldgate-gateway', 'Spool');
  expect(answers.map(only)).toEqual([1, 1, 1]);
  expect(Object.keys(newestBy(answers[1], 'state'))).toEqual(['spooling']);
});

async function shown(board: string, title: string, toMs = Date.now()): Promise<Answer[]> {
  const { panels = [] } = dashboards().find(({ uid }) => uid === board) ?? {};
  const panel = panels.find((each) => each.title === title);
  if (!panel) throw new Error(`no panel ${title}`);
  return reader.panel(panel, every, toMs);
}
