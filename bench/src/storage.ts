import { startInflux } from '../../ops/services/influx-server.mjs';
import { startKafkaCluster } from '../../ops/services/kafka-cluster.mjs';
import type { Drained } from './processes/drain-log.js';
import { fixed, median, progress, whole, type BenchOptions, type Section } from './report.js';
import { Child } from './systems/child.js';
import { NODE_FLAGS } from './systems/fieldgate.js';
import { withFolder } from './systems/folders.js';

const MESSAGES = 300_000;
/** Of those, what the stock handlers get: they would take minutes. */
const STOCK_MESSAGES = 20_000;
const METRICS = 4;
const GOAL_PER_CPU_SECOND = 100_000;
const GOAL_RATIO = 25;

const SYSTEMS = {
  embedded: 'embedded log → DuckDB',
  kafka: 'Kafka → InfluxDB',
  stock: 'NestJS ServerKafka, writePoints per message',
  stockAtOnce: 'the same, 8 partitions at once',
} as const;
type System = keyof typeof SYSTEMS;
type Results = Record<System, Drained[]>;

/** From a filled log into the store, by the storage processor alone; and by what one would write without it. */
export async function benchStorage({ runs }: BenchOptions): Promise<readonly Section[]> {
  const results: Results = { embedded: [], kafka: [], stock: [], stockAtOnce: [] };
  for (let run = 1; run <= runs; run += 1) {
    const note = (system: System, result: Drained): void => {
      results[system].push(result);
      progress(
        `storage ${run}/${runs}  ${SYSTEMS[system]}: ${whole(result.messages / result.seconds)} messages/s, ${whole(perCpuSecond(result))} per CPU s`,
      );
    };
    await withFolder(async (folder) =>
      note('embedded', await fillAndDrain({ FIELDGATE_DATA_DIR: folder }, [])),
    );
    await kafkaToInflux(note);
  }
  return [speedTable(results), goalTable(results)];
}

async function kafkaToInflux(note: (system: System, result: Drained) => void): Promise<void> {
  const [kafka, influx] = await Promise.all([startKafkaCluster({ nodes: 1 }), startInflux()]);
  try {
    const pids = [kafka.nodes[0]?.pid, influx.pid].filter((pid) => pid !== undefined);
    const brokers = kafka.bootstrap.join(',');
    const settings = {
      FIELDGATE_KAFKA_BROKERS: brokers,
      FIELDGATE_INFLUX_URL: `${influx.url}/fieldgate`,
    };
    note('kafka', await fillAndDrain(settings, pids));
    for (const [system, atOnce] of [['stock', 1] as const, ['stockAtOnce', 8] as const])
      note(
        system,
        await drained('processes/drain-stock.js', [
          brokers,
          influx.url,
          STOCK_MESSAGES,
          atOnce,
          pids.join(','),
        ]),
      );
  } finally {
    await Promise.all([kafka.stop(), influx.stop()]);
  }
}

function speedTable(results: Results): Section {
  return {
    title: 'Storage: from the log into the store',
    note: `A log filled with ${whole(MESSAGES)} messages of ${METRICS} metrics, drained by the storage processor (by the stock handlers: ${whole(STOCK_MESSAGES)} of them). Median of the runs.`,
    columns: [
      '',
      'readings/s',
      'messages/s',
      'messages / CPU s',
      'CPU s / 100,000 messages',
      'of log, store',
      'RSS MB',
    ],
    rows: names(results).map((system) => row(SYSTEMS[system], results[system])),
  };
}

function goalTable(results: Results): Section {
  const speed = (system: System): number => median(results[system].map(perCpuSecond));
  const ratio = (system: System): readonly string[] => {
    const all = results.kafka.map(
      (each, run) => perCpuSecond(each) / perCpuSecond(results[system][run] ?? each),
    );
    return [
      `Kafka → InfluxDB : ${SYSTEMS[system]}`,
      fixed(median(all), 1),
      `≥ ${GOAL_RATIO}`,
      median(all) >= GOAL_RATIO ? 'yes' : 'no',
    ];
  };
  const absolute = (system: System): readonly string[] => [
    `${SYSTEMS[system]}, messages / CPU s`,
    whole(speed(system)),
    `≥ ${whole(GOAL_PER_CPU_SECOND)}`,
    speed(system) >= GOAL_PER_CPU_SECOND ? 'yes' : 'no',
  ];
  return {
    title: 'Storage: goals',
    note: 'Messages per CPU second of the consumer; ratios are of one run each, and of these the median.',
    columns: ['', 'measured', 'goal', 'reached'],
    rows: [absolute('embedded'), absolute('kafka'), ratio('stock'), ratio('stockAtOnce')],
  };
}

function names(results: Results): readonly System[] {
  return Object.keys(results) as System[]; // its keys are these
}

async function fillAndDrain(
  settings: Readonly<Record<string, string>>,
  pids: readonly number[],
): Promise<Drained> {
  const given = JSON.stringify(settings);
  const fill = Child.node('processes/fill-log.js', [given, String(MESSAGES)]);
  await fill.line('filled');
  await fill.stop();
  return drained('processes/drain-log.js', [given, MESSAGES, pids.join(',')]);
}

async function drained(module: string, args: readonly (string | number)[]): Promise<Drained> {
  const drain = Child.node(module, args.map(String), NODE_FLAGS);
  const { result } = await drain.line('drained');
  await drain.stop();
  return result as Drained; // written by that module
}

function row(name: string, all: readonly Drained[]): readonly string[] {
  const others = all[0]?.otherCpuSeconds.map((_, index) =>
    fixed(median(all.map((each) => perHundredThousand(each, each.otherCpuSeconds[index] ?? Number.NaN)))),
  );
  return [
    name,
    whole(median(all.map((each) => readings(each) / each.seconds))),
    whole(median(all.map(({ messages, seconds }) => messages / seconds))),
    whole(median(all.map(perCpuSecond))),
    fixed(median(all.map((each) => perHundredThousand(each, each.cpuSeconds)))),
    others?.length ? others.join(', ') : '–',
    whole(median(all.map(({ rssMb }) => rssMb))),
  ];
}

function readings({ messages }: Drained): number {
  return messages * METRICS;
}

function perCpuSecond({ messages, cpuSeconds }: Drained): number {
  return messages / cpuSeconds;
}

function perHundredThousand({ messages }: Drained, cpuSeconds: number): number {
  return cpuSeconds / (messages / 100_000);
}
