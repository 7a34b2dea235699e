import { join } from 'node:path';
import { startKafkaCluster } from '../../../ops/services/kafka-cluster.mjs';
import { LOADS } from '../edge/edge-loads.js';
import { runLoad, type LoadResult } from '../load.js';
import { fixed, median, progress, whole, type Section } from '../report.js';
import { Child } from '../systems/child.js';
import { withFolder } from '../systems/folders.js';
import { stopping, withGateway, type OwnServer } from '../systems/ingest-systems.js';
import { spoolMetrics, untilSpool, type SpoolMetrics } from '../systems/spool-metrics.js';
import { cpuSeconds } from '../systems/usage.js';

interface Latencies {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One outage: as much as 200 connections send into the spool, and then all of it into the log. */
export interface Drain {
  readonly takes: LoadResult;
  readonly records: number;
  readonly bytes: number;
  readonly drainedPerSecond: number;
  readonly cpuPer100k: number;
  /** PUBACKs of the devices that go on with a message a second each: before the outage, and beside the drain. */
  readonly before: Latencies;
  readonly beside: Latencies;
}

const LIVE = 500;
const PAYLOAD_BYTES = 200;
/** For V8 and Kafka's JVM, with Kafka answering. */
const WARM_SECONDS = 10;
/** From the freeze on: the log is given 2 s, and then everything that waits goes to the disk. */
const UNTIL_SPOOLING_SECONDS = 6;
const LONGEST_DRAIN_SECONDS = 180;

export async function measureDrain(seconds: number, run: string): Promise<Drain> {
  const cluster = await startKafkaCluster({ nodes: 1 });
  try {
    return await withFolder((folder) => {
      const settings = {
        FIELDGATE_KAFKA_BROKERS: cluster.bootstrap.join(','),
        FIELDGATE_DATA_DIR: join(folder, 'gateway'),
      };
      return withGateway(settings, [], async (gateway) => {
        const live = Child.node('processes/live-devices.js', [String(gateway.port), String(LIVE)]);
        const drain = await stopping(live, async () => {
          await live.line('sending');
          await load(gateway, WARM_SECONDS, 1);
          await untilSpool(gateway, ({ state }) => state === 'direct', LONGEST_DRAIN_SECONDS); // a busy machine has made it spool
          await soFar(live);
          await pause(seconds);
          const before = await soFar(live);
          const takes = await load(gateway, UNTIL_SPOOLING_SECONDS, seconds, () => {
            for (const node of cluster.nodes) node.freeze();
          });
          await soFar(live);
          const drained = await drainOf(gateway, () => {
            for (const node of cluster.nodes) node.thaw();
          });
          return { takes, before, beside: await soFar(live), ...drained };
        });
        progress(
          `${run}  spool: takes ${whole(drain.takes.acknowledgedPerSecond)}/s, drains ${whole(drain.drainedPerSecond)}/s (${whole(drain.records)} records, ${fixed(drain.cpuPer100k)} CPU s per 100,000), live p99 ${fixed(drain.before.p99Ms)} ms before, ${fixed(drain.beside.p99Ms)} ms beside`,
        );
        return drain;
      });
    });
  } finally {
    for (const node of cluster.nodes) node.thaw();
    await cluster.stop();
  }
}

/** `sending` is called when all connections are open. */
async function load(
  gateway: OwnServer,
  warmSeconds: number,
  seconds: number,
  sending?: () => void,
): Promise<LoadResult> {
  const { connections, shape } = LOADS['200 × 20'];
  const { port, pid } = gateway;
  const plan = { port, connections, shape, payloadBytes: PAYLOAD_BYTES, firstDevice: LIVE };
  let metrics: Promise<SpoolMetrics> | undefined;
  const began = (): void => {
    metrics = spoolMetrics(gateway);
  };
  const result = await runLoad({ ...plan, warmSeconds, seconds, pids: [pid] }, began, sending);
  const state = (await metrics)?.state;
  if (sending && state !== 'spooling') throw new Error(`the gateway was ${state} and not spooling`);
  return result;
}

/** The clock runs from the first record that reaches the log. */
async function drainOf(
  gateway: OwnServer,
  thaw: () => void,
): Promise<Pick<Drain, 'records' | 'bytes' | 'drainedPerSecond' | 'cpuPer100k'>> {
  const frozen = await spoolMetrics(gateway);
  thaw();
  const first = await untilSpool(gateway, ({ drained }) => drained > frozen.drained, LONGEST_DRAIN_SECONDS);
  const cpuBefore = cpuSeconds(gateway.pid);
  const last = await untilSpool(gateway, ({ state }) => state === 'direct', LONGEST_DRAIN_SECONDS);
  const drained = last.drained - first.drained;
  return {
    records: frozen.waiting,
    bytes: frozen.bytes,
    drainedPerSecond: (drained * 1_000) / (last.atMs - first.atMs),
    cpuPer100k: ((cpuSeconds(gateway.pid) - cpuBefore) / drained) * 100_000,
  };
}

async function soFar(live: Child): Promise<Latencies> {
  return (await live.ask('SIGUSR2', 'live'))['result'] as Latencies; // written by processes/live-devices.ts
}

export function drainSection(drains: readonly Drain[]): Section {
  const of = (figure: (drain: Drain) => number): number => median(drains.map(figure));
  return {
    title: 'Spool: through an outage',
    note: `200 connections × window 20 into a gateway whose Kafka is frozen, then thawed; ${LIVE} others go on with a message a second each. CPU of the gateway.`,
    columns: ['', 'per second', 'CPU s / 100,000', 'p50 ms', 'p99 ms'],
    rows: [
      [
        'into the spool',
        whole(of(({ takes }) => takes.acknowledgedPerSecond)),
        fixed(of(({ takes }) => takes.cpuPer100k[0] ?? Number.NaN)),
        fixed(of(({ takes }) => takes.p50Ms)),
        fixed(of(({ takes }) => takes.p99Ms)),
      ],
      [
        `into the log (${whole(of(({ records }) => records))} records, ${whole(of(({ bytes }) => bytes / 1e6))} MB)`,
        whole(of(({ drainedPerSecond }) => drainedPerSecond)),
        fixed(of(({ cpuPer100k }) => cpuPer100k)),
        '–',
        '–',
      ],
      [
        'the others, before',
        whole(LIVE),
        '–',
        fixed(of(({ before }) => before.p50Ms)),
        fixed(of(({ before }) => before.p99Ms)),
      ],
      [
        'the others, beside the drain',
        whole(LIVE),
        '–',
        fixed(of(({ beside }) => beside.p50Ms)),
        fixed(of(({ beside }) => beside.p99Ms)),
      ],
    ],
  };
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
}
