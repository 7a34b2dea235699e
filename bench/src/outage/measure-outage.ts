import { join } from 'node:path';
import { startKafkaCluster, type KafkaNode } from '../../../ops/services/kafka-cluster.mjs';
import type { LogCheck } from '../processes/check-log.js';
import type { Phase, SteadyResult } from '../processes/steady-devices.js';
import { fixed, median, progress, whole } from '../report.js';
import { Child } from '../systems/child.js';
import { withFolder } from '../systems/folders.js';
import { stopping, withGateway, type OwnServer } from '../systems/ingest-systems.js';
import { RssWatch } from '../systems/rss-watch.js';
import { spoolMetrics, untilSpool } from '../systems/spool-metrics.js';

export const OUTAGE = { devices: 1_000, rate: 1_000, seconds: 30 } as const;

interface Variant {
  readonly what: string;
  readonly leave: (node: KafkaNode) => Promise<void>;
  /** Returns when Kafka could answer. */
  readonly comeBack: (node: KafkaNode) => Promise<void>;
}

export const VARIANTS = {
  frozen: {
    what: 'SIGSTOP, SIGCONT',
    leave: async (node) => node.freeze(),
    comeBack: async (node) => node.thaw(),
  },
  killed: { what: 'kill -9, started again', leave: (node) => node.kill(), comeBack: (node) => node.start() },
} as const satisfies Record<string, Variant>;
export type VariantName = keyof typeof VARIANTS;

export interface Outage {
  readonly steady: SteadyResult;
  readonly before: Phase;
  /** From Kafka's end until the gateway spools. */
  readonly away: Phase;
  readonly spooling: Phase;
  /** From Kafka's return until the backlog is gone. */
  readonly back: Phase;
  readonly spooled: number;
  /** Seconds from Kafka's return until the log has answered, and until nothing is left in the spool. */
  readonly servingAgain: number;
  readonly backlogGone: number;
  /** MB. */
  readonly rss: { readonly before: number; readonly highest: number };
  readonly log: LogCheck;
}

/** Until V8, its heap and Kafka's JVM are what they stay. */
const WARM_SECONDS = 30;
const CALM_SECONDS = 10;
const LONGEST_WAIT_SECONDS = 120;

export async function measureOutage(name: VariantName, run: string): Promise<Outage> {
  const cluster = await startKafkaCluster({ nodes: 1 });
  try {
    const [node] = cluster.nodes;
    if (!node) throw new Error('there is one');
    return await withFolder(async (folder) => {
      const settings = {
        FIELDGATE_KAFKA_BROKERS: cluster.bootstrap.join(','),
        FIELDGATE_DATA_DIR: join(folder, 'gateway'),
      };
      const file = join(folder, 'acknowledged.json');
      const course = await withGateway(settings, [], (gateway) =>
        through(VARIANTS[name], { node, gateway, file }),
      );
      const outage = { ...course, log: await checkLog(settings, file) };
      progress(`${run}  ${VARIANTS[name].what}: ${shortly(outage)}`);
      return outage;
    });
  } finally {
    for (const node of cluster.nodes) node.thaw(); // a frozen one hears no SIGTERM
    await cluster.stop();
  }
}

async function through(
  { leave, comeBack }: Variant,
  { node, gateway, file }: { readonly node: KafkaNode; readonly gateway: OwnServer; readonly file: string },
): Promise<Omit<Outage, 'log'>> {
  const { devices, rate, seconds } = OUTAGE;
  const args = [gateway.port, devices, rate, file].map(String);
  const steady = Child.node('processes/steady-devices.js', args);
  return stopping(steady, async () => {
    await steady.line('sending');
    await pause(WARM_SECONDS);
    const nextPhase = (): Promise<unknown> => steady.ask('SIGUSR2', 'phase');
    const calm = new RssWatch(gateway.pid);
    await untilSpool(gateway, ({ state }) => state === 'direct', LONGEST_WAIT_SECONDS);
    await nextPhase();
    await pause(CALM_SECONDS);
    const rssBefore = median(calm.stop());

    const rss = new RssWatch(gateway.pid);
    await nextPhase();
    const leftAt = performance.now();
    await leave(node);
    await untilSpool(gateway, ({ state }) => state === 'spooling', seconds);
    await nextPhase();
    await pause(seconds - (performance.now() - leftAt) / 1_000);

    await nextPhase();
    const { spooled } = await spoolMetrics(gateway);
    const backAt = await returned(node, comeBack);
    const serving = await untilSpool(gateway, ({ state }) => state !== 'spooling', LONGEST_WAIT_SECONDS);
    const gone = await untilSpool(gateway, ({ state }) => state === 'direct', LONGEST_WAIT_SECONDS);
    await nextPhase();
    await pause(CALM_SECONDS);
    const highest = Math.max(...rss.stop());
    const result = (await steady.ask('SIGHUP', 'ended'))['result'] as SteadyResult; // written by processes/steady-devices.ts
    const [, before, away, spooling, back] = result.phases;
    if (!before || !away || !spooling || !back) throw new Error('a phase is missing');
    return {
      steady: result,
      before,
      away,
      spooling,
      back,
      spooled,
      servingAgain: Math.max(0, serving.atMs - backAt) / 1_000,
      backlogGone: Math.max(0, gone.atMs - backAt) / 1_000,
      rss: { before: rssBefore, highest },
    };
  });
}

/** When it could answer: the moment before for one that was frozen, the moment after for one that had to be started. */
async function returned(node: KafkaNode, comeBack: Variant['comeBack']): Promise<number> {
  await comeBack(node);
  return performance.now();
}

async function checkLog(settings: Readonly<Record<string, string>>, file: string): Promise<LogCheck> {
  const child = Child.node('processes/check-log.js', [JSON.stringify(settings), file]);
  return stopping(child, async () => (await child.line('checked'))['result'] as LogCheck); // written by processes/check-log.ts
}

function shortly({ steady, spooling, rss, servingAgain, backlogGone, log }: Outage): string {
  const { all, disconnected, acknowledged } = steady;
  return `p99 ${fixed(all.p99Ms)} ms (longest ${whole(all.longestMs)}), ${fixed(spooling.p99Ms)} ms once spooling, RSS ${whole(rss.before)} to ${whole(rss.highest)} MB, serving again after ${fixed(servingAgain)} s, backlog gone after ${fixed(backlogGone)} s, ${disconnected} disconnected, ${whole(acknowledged)} acknowledged, ${log.lost} lost, ${log.repeated} twice, ${log.overtaken} overtaken`;
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
}
