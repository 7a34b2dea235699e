import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { startKafkaCluster } from '../../../ops/services/kafka-cluster.mjs';
import { Deployment } from '../deployment.js';
import { until } from '../operator.js';
import { temporaryFolder } from '../temporary-folder.js';
import type { RangeStart, Services } from './dashboard-reader.js';
import { holds } from './holds.js';
import { LivelyFleet, ROUNDS, RULES } from './lively-fleet.js';
import { prometheusBeside, SCRAPE_MS } from './prometheus-beside.js';
import { StoreDoor } from './store-door.js';

export interface PlayedFleet {
  readonly services: Services;
  readonly from: RangeStart;
  /** Of the first reading, by the clock of the devices. */
  readonly startMs: number;
  /** When the processes were launched, and when all of them were ready. */
  readonly launchedMs: readonly [earliest: number, latest: number];
  ruleHealth(): Promise<readonly { readonly name: string; readonly health: string }[]>;
  close(): Promise<void>;
}

/** Counters that begin with their first count: each must have been scraped once before it rises. */
const FIRST_COUNTS = [
  'count(fieldgate_storage_records_total) >= 4',
  'count(fieldgate_alerts_transitions_total{change="raised"}) >= 2',
  'sum(fieldgate_alerts_transitions_total{change="cleared"}) >= 1',
  'sum(fieldgate_notifications_total{outcome="delivered"}) >= 3',
  'sum(fieldgate_gateway_command_steps_total{step="rejected"}) >= 1',
  'sum(fieldgate_command_deadlines_total{step="timed-out"}) >= 1',
  'count(fieldgate_gateway_refused_total) >= 2',
  'sum(fieldgate_processor_retries_total) >= 1',
];
/** What is drawn looks 4 s back: nothing from before the range may be in it. */
const QUIET = [
  'sum(rate(fieldgate_gateway_publishes_total[5s])) == 0',
  'sum(rate(fieldgate_storage_records_total[5s])) == 0',
  'sum(rate(fieldgate_notifications_total[5s])) == 0',
].join(' and ');
const WITHIN_MS = 30_000;
/** The boards are asked for the last quarter of an hour, or a little less. */
const BEFORE_MS = 10 * 60_000;

/** Fieldgate on its own log and InfluxDB, read by the real Prometheus, after the fleet has played all its rounds. */
export async function openPlayedFleet(log: 'kafka' | 'embedded'): Promise<PlayedFleet> {
  const cleanUps: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const clean of cleanUps.splice(0).toReversed()) await clean();
  };
  try {
    return { ...(await play(log, cleanUps)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function play(
  log: 'kafka' | 'embedded',
  cleanUps: (() => Promise<unknown>)[],
): Promise<Omit<PlayedFleet, 'close'>> {
  const influx = process.env['FIELDGATE_TEST_INFLUX'] ?? '';
  const database = `dashboards_${randomBytes(4).toString('hex')}`;
  const door = await StoreDoor.open(influx);
  cleanUps.push(() => door.close());
  const { deployment, launchedMs } = await deploy(
    log,
    { FIELDGATE_INFLUX_URL: `${door.url}/${database}` },
    cleanUps,
  );
  const prometheus = await prometheusBeside(deployment);
  cleanUps.push(() => prometheus.stop());
  await holds(prometheus.url, `count(up == 1) == ${deployment.parts.length}`); // what is counted from here on has begun at 0
  const fleet = new LivelyFleet(deployment, door);
  cleanUps.push(() => fleet.close());
  await fleet.connect();
  await fleet.play();
  for (const condition of FIRST_COUNTS) await holds(prometheus.url, condition);
  await holds(prometheus.url, QUIET);
  const countedMs = Date.now();
  for (let round = 1; round < ROUNDS; round += 1) await fleet.play();
  await acknowledgeOne(deployment);
  return {
    services: { influx, database, prometheus: prometheus.url, scrapeMs: SCRAPE_MS },
    from: { influxdb: fleet.startMs - BEFORE_MS, prometheus: countedMs },
    startMs: fleet.startMs,
    launchedMs,
    ruleHealth: () => ruleHealth(prometheus.url),
  };
}

/** A log of its own: on one that other tests have used, their alerts are still open. */
async function deploy(
  log: 'kafka' | 'embedded',
  settings: Record<string, string>,
  cleanUps: (() => Promise<unknown>)[],
): Promise<{ deployment: Deployment; launchedMs: [number, number] }> {
  const folder = await temporaryFolder();
  cleanUps.push(() => folder.remove());
  const rules = join(folder.path, 'rules.yaml');
  await writeFile(rules, RULES(await receiver(cleanUps)));
  const all = {
    ...settings,
    FIELDGATE_RULES_FILE: rules,
    FIELDGATE_WEBHOOK_SECRET: randomBytes(24).toString('base64'),
  };
  const brokers = log === 'kafka' ? await kafka(cleanUps) : undefined;
  const earliest = Date.now();
  const deployment = await (brokers === undefined
    ? Deployment.embedded(all)
    : Deployment.distributed({ ...all, FIELDGATE_KAFKA_BROKERS: brokers }));
  cleanUps.push(() => deployment.stop());
  return { deployment, launchedMs: [earliest, Date.now()] };
}

async function kafka(cleanUps: (() => Promise<unknown>)[]): Promise<string> {
  const cluster = await startKafkaCluster({ nodes: 1 });
  cleanUps.push(() => cluster.stop());
  return cluster.bootstrap.join(',');
}

/** Takes every notification. */
async function receiver(cleanUps: (() => Promise<unknown>)[]): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(204).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`; // it listens on TCP
}

async function acknowledgeOne(deployment: Deployment): Promise<void> {
  const { operator } = deployment;
  interface Open {
    readonly alerts?: readonly { readonly id: string }[];
  }
  const ask = async (): Promise<Open> => (await operator.call<Open>('GET', '/v1/alerts?device=pump.2')).body;
  const [alert] = (await until(ask, ({ alerts = [] }) => alerts.length > 0, WITHIN_MS)).alerts ?? [];
  const { status, body } = await operator.call('POST', `/v1/alerts/${alert?.id}/acknowledge`, {});
  if (status >= 300) throw new Error(`acknowledging ${alert?.id}: ${status} ${JSON.stringify(body)}`);
}

const rulesSchema = z.object({
  data: z.object({
    groups: z.array(z.object({ rules: z.array(z.object({ name: z.string(), health: z.string() })) })),
  }),
});

async function ruleHealth(url: string): Promise<{ name: string; health: string }[]> {
  const ask = async (): Promise<{ name: string; health: string }[]> => {
    const answer: unknown = await (await fetch(`${url}/api/v1/rules`)).json();
    return rulesSchema.parse(answer).data.groups.flatMap(({ rules }) => rules);
  };
  return until(ask, (rules) => rules.every(({ health }) => health !== 'unknown'), WITHIN_MS);
}
