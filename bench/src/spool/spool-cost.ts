import { join } from 'node:path';
import { startKafkaCluster } from '../../../ops/services/kafka-cluster.mjs';
import { LOADS, type LoadName } from '../edge/edge-loads.js';
import { runLoad, type LoadResult } from '../load.js';
import { fixed, median, progress, whole, type Section } from '../report.js';
import { withFolder } from '../systems/folders.js';
import { withGateway, type OwnServer } from '../systems/ingest-systems.js';

/** More is better: messages/s with the spool ÷ without it, CPU per message without ÷ with. */
interface Ratios {
  readonly rate: number;
  readonly cpu: number;
}

interface Pair {
  readonly without: LoadResult;
  readonly with: LoadResult;
}

export interface Cost {
  readonly quiet: Ratios & Pair;
  readonly full: Ratios & Pair;
}

const QUIET: LoadName = 'open 500';
const FULL: LoadName = '200 × 20';
/** Each gateway has its turn so often: first, second, second, first. */
const TURNS = 2;
const PAYLOAD_BYTES = 200;
/** To warm up again what was loaded before. */
const AGAIN_SECONDS = 2;

/** Two gateways on one Kafka, one with a spool and one without, loaded in turn. */
export async function measureCost(seconds: number, run: string, isWithFirst: boolean): Promise<Cost> {
  const cluster = await startKafkaCluster({ nodes: 1 });
  try {
    return await withFolder((folder) => {
      const settings = (spool: boolean): Record<string, string> => ({
        FIELDGATE_KAFKA_BROKERS: cluster.bootstrap.join(','),
        FIELDGATE_DATA_DIR: join(folder, `spool-${spool}`),
        FIELDGATE_GATEWAY_ID: `bench-spool-${spool}`,
        FIELDGATE_SPOOL: String(spool),
      });
      return withGateway(settings(false), [], (without) =>
        withGateway(settings(true), [], async (withSpool) => {
          const gateways = { without, with: withSpool };
          const order = isWithFirst ? (['with', 'without'] as const) : (['without', 'with'] as const);
          const quiet = await compared(gateways, QUIET, { seconds, order });
          const full = await compared(gateways, FULL, { seconds, order });
          progress(`${run}  cost of the spool: ${shortly(QUIET, quiet)}; ${shortly(FULL, full)}`);
          return { quiet, full };
        }),
      );
    });
  } finally {
    await cluster.stop();
  }
}

async function compared(
  gateways: Readonly<Record<keyof Pair, OwnServer>>,
  load: LoadName,
  { seconds, order }: { readonly seconds: number; readonly order: readonly (keyof Pair)[] },
): Promise<Ratios & Pair> {
  const measured: Record<keyof Pair, LoadResult[]> = { without: [], with: [] };
  for (const which of order)
    await loaded(gateways[which], load, { warmSeconds: LOADS[load].warmSeconds, seconds: 1 });
  for (let turn = 0; turn < TURNS; turn += 1)
    for (const which of turn % 2 === 0 ? order : order.toReversed())
      measured[which].push(await loaded(gateways[which], load, { warmSeconds: AGAIN_SECONDS, seconds }));
  const pair = { without: middle(measured.without), with: middle(measured.with) };
  return {
    ...pair,
    rate: pair.with.acknowledgedPerSecond / pair.without.acknowledgedPerSecond,
    cpu: cpuOf(pair.without) / cpuOf(pair.with),
  };
}

function loaded(
  { port, pid }: OwnServer,
  load: LoadName,
  time: { readonly warmSeconds: number; readonly seconds: number },
): Promise<LoadResult> {
  const { connections, shape } = LOADS[load];
  return runLoad({ port, connections, shape, payloadBytes: PAYLOAD_BYTES, ...time, pids: [pid] });
}

function middle(all: readonly LoadResult[]): LoadResult {
  const [first] = all;
  if (!first) throw new Error('nothing was measured');
  const of = (figure: (measured: LoadResult) => number): number => median(all.map(figure));
  return {
    ...first,
    acknowledgedPerSecond: of((measured) => measured.acknowledgedPerSecond),
    cpuPer100k: [of(cpuOf)],
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
  };
}

function cpuOf({ cpuPer100k }: LoadResult): number {
  return cpuPer100k[0] ?? Number.NaN;
}

export function costSection(costs: readonly Cost[]): Section {
  const row = (name: string, of: (cost: Cost) => LoadResult): readonly string[] => {
    const figure = (read: (measured: LoadResult) => number): number =>
      median(costs.map((cost) => read(of(cost))));
    return [
      name,
      whole(figure(({ acknowledgedPerSecond }) => acknowledgedPerSecond)),
      fixed(figure(cpuOf)),
      fixed(figure(({ p50Ms }) => p50Ms)),
      fixed(figure(({ p99Ms }) => p99Ms)),
    ];
  };
  return {
    title: 'Spool: while Kafka answers',
    note: `${LOADS[QUIET].connections} devices with a message a second each, and 200 connections × window 20.`,
    columns: ['', 'messages/s', 'CPU s / 100,000', 'p50 ms', 'p99 ms'],
    rows: [
      row('500/s, without', ({ quiet }) => quiet.without),
      row('500/s, with', ({ quiet }) => quiet.with),
      row('200 × 20, without', ({ full }) => full.without),
      row('200 × 20, with', ({ full }) => full.with),
    ],
  };
}

function shortly(load: LoadName, { rate, cpu, without }: Ratios & Pair): string {
  return `${load}: ${fixed(rate)} × messages/s, ${fixed(cpu)} × CPU (${whole(without.acknowledgedPerSecond)}/s, ${fixed(cpuOf(without))} CPU s without)`;
}
