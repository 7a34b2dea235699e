import { runLoad, type LoadPlan, type LoadResult } from './load.js';
import { fixed, median, progress, whole, type BenchOptions, type Section } from './report.js';
import {
  allInOne,
  embeddedGateway,
  kafkaGateway,
  mosquitto,
  type IngestSystem,
  type IngestSystemKind,
} from './systems/ingest-systems.js';

type Load = Omit<LoadPlan, 'port' | 'pids' | 'warmSeconds' | 'seconds'>;

const PAYLOAD_BYTES = 200;
const WARM_SECONDS = 2;
/** The quiet one first: after the other one the all-in-one process is still busy with storing. */
const LOADS = {
  open: { connections: 500, payloadBytes: PAYLOAD_BYTES, shape: { kind: 'open', rate: 500 } },
  closed: { connections: 200, payloadBytes: PAYLOAD_BYTES, shape: { kind: 'closed', window: 20 } },
} as const satisfies Record<string, Load>;
type LoadName = keyof typeof LOADS;

type Results = Record<LoadName, LoadResult[]>;

/** From a device's PUBLISH to its PUBACK, through the whole gateway into each log; Mosquitto, which stores nothing, beside it in every run. */
export async function benchIngest({ seconds, runs }: BenchOptions): Promise<readonly Section[]> {
  const kinds = [...(mosquitto ? [mosquitto] : []), embeddedGateway, allInOne, kafkaGateway];
  const results = new Map<IngestSystemKind, Results>(kinds.map((kind) => [kind, { open: [], closed: [] }]));
  for (let run = 1; run <= runs; run += 1) {
    for (const [kind, of] of results) {
      await kind.during(async (system) => {
        for (const load of ['open', 'closed'] as const) {
          const result = await measure(system, LOADS[load], seconds);
          of[load].push(result);
          progress(`ingest ${run}/${runs}  ${kind.name}, ${load}: ${shortly(result)}`);
        }
      });
    }
  }
  return [
    section(
      'closed',
      'Ingest, as fast as it goes',
      results,
      'QoS 1, 200-byte payloads, 200 connections × window 20.',
    ),
    section(
      'open',
      'Ingest, 500 messages/s',
      results,
      'QoS 1, 200-byte payloads, open loop from 500 devices.',
    ),
  ];
}

export function measure(
  { port, pid, logPid }: IngestSystem,
  load: Load,
  seconds: number,
): Promise<LoadResult> {
  const pids = logPid === undefined ? [pid] : [pid, logPid];
  return runLoad({ ...load, port, pids, seconds, warmSeconds: WARM_SECONDS });
}

/** For whoever watches, and for profiles. */
export const CLOSED_LOAD: Load = LOADS.closed;

function section(
  load: LoadName,
  title: string,
  results: ReadonlyMap<IngestSystemKind, Results>,
  what: string,
): Section {
  const yardstick = mosquitto && results.get(mosquitto)?.[load];
  const goals =
    load === 'closed' ? ' Goals: embedded ≥ 80,000/s and ≤ 1.2 CPU s; Kafka ≥ 60,000/s and ≤ 1.6.' : '';
  return {
    title,
    note: `${what} Median of the runs; × = against Mosquitto in the same run.${goals}`,
    columns: [
      '',
      'messages/s',
      '×',
      'CPU s / 100,000',
      '×',
      'CPU s of Kafka',
      'PUBACK p50 ms',
      'p99 ms',
      'RSS MB',
      'load generator %',
    ],
    rows: [...results].map(([{ name }, of]) => {
      const all = of[load];
      const rate = all.map(({ acknowledgedPerSecond }) => acknowledgedPerSecond);
      const cpu = all.map(({ cpuPer100k }) => cpuPer100k[0] ?? Number.NaN);
      return [
        name,
        whole(median(rate)),
        fixed(
          ratio(
            rate,
            yardstick?.map(({ acknowledgedPerSecond }) => acknowledgedPerSecond),
          ),
        ),
        fixed(median(cpu)),
        fixed(
          ratio(
            cpu,
            yardstick?.map(({ cpuPer100k }) => cpuPer100k[0] ?? Number.NaN),
          ),
        ),
        fixed(median(all.map(({ cpuPer100k }) => cpuPer100k[1] ?? Number.NaN))),
        fixed(median(all.map(({ p50Ms }) => p50Ms))),
        fixed(median(all.map(({ p99Ms }) => p99Ms))),
        whole(median(all.map(({ rssMb }) => rssMb[0] ?? Number.NaN))),
        whole(median(all.map(({ generatorPercent }) => generatorPercent))),
      ];
    }),
  };
}

/** The median of the ratios of each run: a busy minute spoils one run, not the comparison. */
function ratio(values: readonly number[], yardstick: readonly number[] | undefined): number {
  return yardstick ? median(values.map((value, run) => value / (yardstick[run] ?? Number.NaN))) : Number.NaN;
}

function shortly({ acknowledgedPerSecond, cpuPer100k, p50Ms, p99Ms }: LoadResult): string {
  return `${whole(acknowledgedPerSecond)}/s, ${fixed(cpuPer100k[0] ?? Number.NaN)} CPU s, p50 ${fixed(p50Ms)} ms, p99 ${fixed(p99Ms)} ms`;
}
