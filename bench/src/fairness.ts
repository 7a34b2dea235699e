import { goalTable } from './goals.js';
import type { FlushShape } from './mqtt/flush-device.js';
import { fixed, median, progress, whole, type BenchOptions, type Section } from './report.js';
import { Child } from './systems/child.js';
import { withFolder } from './systems/folders.js';
import {
  allInOne,
  embeddedGateway,
  kafkaGateway,
  stopping,
  withGateway,
  type IngestSystem,
  type IngestSystemKind,
} from './systems/ingest-systems.js';

const LIVE = 500;
const READINGS = 250_000;
/** Until V8 and Kafka's JVM have compiled what they run. */
const WARM_SECONDS = 10;
const WARM_READINGS = 20_000;
/** For what a flush has left behind, before the next is measured. */
const CALM_SECONDS = 2;
const GOAL = 2;
const SHAPES = ['singly', 'arrays'] as const satisfies readonly FlushShape[];

/** To see what the share of a device is good for. */
const withoutShares: IngestSystemKind = {
  name: 'gateway → embedded log, no shares',
  during: (use) =>
    withFolder((folder) => {
      const settings = {
        FIELDGATE_DATA_DIR: folder,
        FIELDGATE_MQTT_MAX_INFLIGHT_RECORDS_PER_DEVICE: '100000',
        FIELDGATE_MQTT_MAX_INFLIGHT_BYTES_PER_DEVICE: '67108864',
      };
      return withGateway(settings, [], use);
    }),
};
const SYSTEMS: readonly IngestSystemKind[] = [embeddedGateway, withoutShares, kafkaGateway, allInOne];

interface Live {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

interface Flush {
  readonly live: Live;
  readonly seconds: number;
}

type Run = { readonly alone: Live } & Readonly<Record<FlushShape, Flush>>;

/** One device that flushes three days of readings, and 500 that go on with a message a second each: how long these wait for their PUBACKs. */
export async function benchFairness({ seconds, runs }: BenchOptions): Promise<readonly Section[]> {
  const results = SYSTEMS.map((): Run[] => []);
  for (let run = 1; run <= runs; run += 1)
    for (const [index, system] of SYSTEMS.entries()) {
      const result = await system.during((running) => measured(running, seconds));
      results[index]?.push(result);
      const { alone, singly, arrays } = result;
      progress(
        `fairness ${run}/${runs}  ${system.name}: p99 ${fixed(alone.p99Ms)} ms alone, ${fixed(singly.live.p99Ms)} and ${fixed(arrays.live.p99Ms)} ms beside a flush`,
      );
    }
  return [
    {
      title: 'One device flushes, 500 go on',
      note: `PUBACK of ${LIVE} devices with a message a second each, alone and while one more sends ${whole(READINGS)} readings of three days as fast as it is read: singly (1,000 in flight), and in arrays of 1,000 (10 in flight). Same run; median of the runs. Goal: p99 at most ${GOAL} × of that alone.`,
      columns: [
        '',
        'alone p50, p99 ms',
        'singly p50, p99 ms',
        '× alone',
        'readings/s',
        'arrays p50, p99 ms',
        '× alone',
        'readings/s',
      ],
      rows: SYSTEMS.map(({ name }, index) => rowOf(name, results[index] ?? [])),
    },
    goalTable(
      'One device flushes: goals',
      'PUBACK p99 of the 500, beside the flush ÷ alone; of one run each, and of these the median.',
      SYSTEMS.flatMap((system, index) =>
        system === withoutShares
          ? []
          : SHAPES.map((shape) => ({
              what: `${system.name}, ${shape}`,
              measured: ratioOf(results[index] ?? [], shape),
              atMost: GOAL,
            })),
      ),
    ),
  ];
}

async function measured({ port }: IngestSystem, seconds: number): Promise<Run> {
  const live = Child.node('processes/live-devices.js', [String(port), String(LIVE)]);
  return stopping(live, async () => {
    await live.line('sending');
    for (const shape of SHAPES) await flush(port, shape, WARM_READINGS);
    await pause(WARM_SECONDS);
    await soFar(live);
    await pause(seconds);
    const alone = await soFar(live);
    const beside = async (shape: FlushShape): Promise<Flush> => {
      await pause(CALM_SECONDS);
      const taken = await flush(port, shape, READINGS, () => soFar(live));
      return { live: await soFar(live), seconds: taken };
    };
    return { alone, singly: await beside('singly'), arrays: await beside('arrays') };
  });
}

/** `begins` is awaited when everything is encoded. Returns the seconds that it took. */
async function flush(
  port: number,
  shape: FlushShape,
  readings: number,
  begins?: () => Promise<unknown>,
): Promise<number> {
  const child = Child.node('processes/flush.js', [String(port), String(LIVE), String(readings), shape]);
  return stopping(child, async () => {
    await child.line('gathered');
    await begins?.();
    const { seconds } = await child.ask('SIGUSR2', 'flushed');
    return Number(seconds);
  });
}

async function soFar(live: Child): Promise<Live> {
  return (await live.ask('SIGUSR2', 'live'))['result'] as Live; // written by processes/live-devices.ts
}

function rowOf(name: string, all: readonly Run[]): readonly string[] {
  const pair = (of: (run: Run) => Live): string =>
    `${fixed(median(all.map((run) => of(run).p50Ms)))}, ${fixed(median(all.map((run) => of(run).p99Ms)))}`;
  const columns = (shape: FlushShape): string[] => [
    pair((run) => run[shape].live),
    fixed(ratioOf(all, shape)),
    whole(median(all.map((run) => READINGS / run[shape].seconds))),
  ];
  return [name, pair(({ alone }) => alone), ...columns('singly'), ...columns('arrays')];
}

function ratioOf(all: readonly Run[], shape: FlushShape): number {
  return median(all.map((run) => run[shape].live.p99Ms / run.alone.p99Ms));
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
}
