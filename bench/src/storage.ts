import { startInflux } from '../../ops/services/influx-server.mjs';
import { startKafkaCluster } from '../../ops/services/kafka-cluster.mjs';
import type { Drained } from './processes/drain-log.js';
import { fixed, median, progress, whole, type BenchOptions, type Section } from './report.js';
import { Child } from './systems/child.js';
import { withFolder } from './systems/folders.js';

const MESSAGES = 300_000;
const METRICS = 4;

interface Pair {
  readonly name: string;
  run(): Promise<Drained>;
}

const PAIRS: readonly Pair[] = [
  {
    name: 'embedded log → DuckDB',
    run: () => withFolder((folder) => fillAndDrain({ FIELDGATE_DATA_DIR: folder }, [])),
  },
  {
    name: 'Kafka → InfluxDB',
    run: async () => {
      const [kafka, influx] = await Promise.all([startKafkaCluster({ nodes: 1 }), startInflux()]);
      try {
        const pids = [kafka.nodes[0]?.pid, influx.pid].filter((pid) => pid !== undefined);
        const settings = {
          FIELDGATE_KAFKA_BROKERS: kafka.bootstrap.join(','),
          FIELDGATE_INFLUX_URL: `${influx.url}/fieldgate`,
        };
        return await fillAndDrain(settings, pids);
      } finally {
        await Promise.all([kafka.stop(), influx.stop()]);
      }
    },
  },
];

/** From a filled log into the store, by the storage processor alone. */
export async function benchStorage({ runs }: BenchOptions): Promise<readonly Section[]> {
  const results = PAIRS.map((): Drained[] => []);
  for (let run = 1; run <= runs; run += 1) {
    for (const [index, pair] of PAIRS.entries()) {
      const result = await pair.run();
      results[index]?.push(result);
      progress(
        `storage ${run}/${runs}  ${pair.name}: ${whole(readings(result) / result.seconds)} readings/s, ${fixed(result.cpuSeconds)} CPU s`,
      );
    }
  }
  return [
    {
      title: 'Storage: from the log into the store',
      note: `A log filled with ${whole(MESSAGES)} messages of ${METRICS} metrics, drained by the storage processor. Median of the runs.`,
      columns: [
        '',
        'readings/s',
        'messages/s',
        'readings / CPU s',
        'CPU s / 100,000 messages',
        'of log, store',
        'RSS MB',
      ],
      rows: PAIRS.map(({ name }, index) => row(name, results[index] ?? [])),
    },
  ];
}

async function fillAndDrain(
  settings: Readonly<Record<string, string>>,
  pids: readonly number[],
): Promise<Drained> {
  const given = JSON.stringify(settings);
  const fill = Child.node('processes/fill-log.js', [given, String(MESSAGES)]);
  await fill.line('filled');
  await fill.stop();
  const drain = Child.node('processes/drain-log.js', [given, String(MESSAGES), pids.join(',')]);
  const { result } = await drain.line('drained');
  await drain.stop();
  return result as Drained; // written by processes/drain-log.ts
}

function row(name: string, all: readonly Drained[]): readonly string[] {
  const others = all[0]?.otherCpuSeconds.map((_, index) =>
    fixed(median(all.map((each) => perHundredThousand(each, each.otherCpuSeconds[index] ?? Number.NaN)))),
  );
  return [
    name,
    whole(median(all.map((each) => readings(each) / each.seconds))),
    whole(median(all.map(({ messages, seconds }) => messages / seconds))),
    whole(median(all.map((each) => readings(each) / each.cpuSeconds))),
    fixed(median(all.map((each) => perHundredThousand(each, each.cpuSeconds)))),
    others?.length ? others.join(', ') : '–',
    whole(median(all.map(({ rssMb }) => rssMb))),
  ];
}

function readings({ messages }: Drained): number {
  return messages * METRICS;
}

function perHundredThousand({ messages }: Drained, cpuSeconds: number): number {
  return cpuSeconds / (messages / 100_000);
}
