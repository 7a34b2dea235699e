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
import { askPrometheus } from './answers.js';
import type { Services } from './dashboard-reader.js';
import { newest } from './expectation.js';
import { LivelyFleet, ROUNDS, RULES } from './lively-fleet.js';
import { prometheusBeside, SCRAPE_MS } from './prometheus-beside.js';

export interface PlayedFleet {
  readonly services: Services;
  /** Before the first reading. */
  readonly fromMs: number;
  ruleHealth(): Promise<readonly { readonly name: string; readonly health: string }[]>;
  close(): Promise<void>;
}

/** Counters that begin with their first count: each must have been scraped once before it rises. */
const FIRST_COUNTS = [
  'count(fieldgate_storage_records_total) >= 4',
  'count(fieldgate_alerts_transitions_total{change="raised"}) >= 2',
  'sum(fieldgate_notifications_total{outcome="delivered"}) >= 2',
  'sum(fieldgate_gateway_command_steps_total{step="rejected"}) >= 1',
  'count(fieldgate_gateway_refused_total) >= 2',
];
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
  const deployment = await deploy(log, { FIELDGATE_INFLUX_URL: `${influx}/${database}` }, cleanUps);
  const prometheus = await prometheusBeside(deployment);
  cleanUps.push(() => prometheus.stop());
  await holds(prometheus.url, `count(up == 1) == ${deployment.parts.length}`); // what is counted from here on has begun at 0
  const fleet = new LivelyFleet(deployment);
  cleanUps.push(() => fleet.close());
  await fleet.connect();
  for (let round = 0; round < ROUNDS; round += 1) {
    await fleet.play();
    for (const condition of FIRST_COUNTS) await holds(prometheus.url, condition);
  }
  await acknowledgeOne(deployment);
  return {
    services: { influx, database, prometheus: prometheus.url, scrapeMs: SCRAPE_MS },
    fromMs: fleet.startMs - BEFORE_MS,
    ruleHealth: () => ruleHealth(prometheus.url),
  };
}

/** A log of its own: on one that other tests have used, their alerts are still open. */
async function deploy(
  log: 'kafka' | 'embedded',
  settings: Record<string, string>,
  cleanUps: (() => Promise<unknown>)[],
): Promise<Deployment> {
  const folder = await temporaryFolder();
  cleanUps.push(() => folder.remove());
  const rules = join(folder.path, 'rules.yaml');
  await writeFile(rules, RULES(await receiver(cleanUps)));
  const all = {
    ...settings,
    FIELDGATE_RULES_FILE: rules,
    FIELDGATE_WEBHOOK_SECRET: randomBytes(24).toString('base64'),
  };
  if (log === 'embedded') {
    const deployment = await Deployment.embedded(all);
    cleanUps.push(() => deployment.stop());
    return deployment;
  }
  const cluster = await startKafkaCluster({ nodes: 1 });
  cleanUps.push(() => cluster.stop());
  const deployment = await Deployment.distributed({
    ...all,
    FIELDGATE_KAFKA_BROKERS: cluster.bootstrap.join(','),
  });
  cleanUps.push(() => deployment.stop());
  return deployment;
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

async function holds(prometheus: string, condition: string): Promise<void> {
  const ask = async (): Promise<number> => {
    const now = Date.now();
    const [series] = await askPrometheus(
      prometheus,
      condition,
      { fromMs: now, toMs: now, stepMs: SCRAPE_MS },
      true,
    );
    return newest(series);
  };
  const value = await until(ask, (found) => !Number.isNaN(found), WITHIN_MS);
  if (Number.isNaN(value)) throw new Error(`Prometheus never saw: ${condition}`);
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
