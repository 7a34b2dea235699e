import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startKafkaCluster } from '../../ops/services/kafka-cluster.mjs';
import { measureLoad } from './edge/edge-loads.js';
import { fixed, progress, whole, type BenchOptions, type Section } from './report.js';
import { withFolder } from './systems/folders.js';
import { withGateway } from './systems/ingest-systems.js';

const TOP = 20;

/** Of V8's .cpuprofile. */
interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** Where the gateway's time goes under the closed load: functions by the time in themselves. */
export async function profileIngest({ seconds }: BenchOptions): Promise<readonly Section[]> {
  const embedded = await withFolder((folder) =>
    profiled({ FIELDGATE_DATA_DIR: join(folder, 'data') }, folder, seconds),
  );
  const cluster = await startKafkaCluster({ nodes: 1 });
  try {
    const FIELDGATE_KAFKA_BROKERS = cluster.bootstrap.join(',');
    const kafka = await withFolder((folder) =>
      profiled({ FIELDGATE_KAFKA_BROKERS, FIELDGATE_DATA_DIR: join(folder, 'data') }, folder, seconds),
    );
    return [...sections('embedded log', embedded), ...sections('Kafka', kafka)];
  } finally {
    await cluster.stop();
  }
}

async function profiled(
  settings: Readonly<Record<string, string>>,
  folder: string,
  seconds: number,
): Promise<CpuProfile> {
  const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`];
  await withGateway(settings, flags, async (system) => {
    const { acknowledgedPerSecond } = await measureLoad(system, '200 × 20', seconds);
    progress(`profile  ${whole(acknowledgedPerSecond)}/s while it was recorded`);
  });
  const file = (await readdir(folder)).find((name) => name.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error('the gateway wrote no profile');
  return JSON.parse(await readFile(join(folder, file), 'utf8')) as CpuProfile; // V8 writes it so
}

function sections(name: string, profile: CpuProfile): readonly Section[] {
  return [
    {
      title: `Profile of the gateway → ${name}: by package`,
      note: 'Share of the time that was not idle, start and stop included; 200 connections × window 20.',
      columns: ['package', '%'],
      rows: shares(profile, packageOf),
    },
    {
      title: `Profile of the gateway → ${name}: by function`,
      note: `The ${TOP} functions with the most time in themselves.`,
      columns: ['function', '%'],
      rows: shares(profile, functionOf),
    },
  ];
}

function shares(
  { nodes, samples, timeDeltas }: CpuProfile,
  nameOf: (frame: CallFrame) => string,
): Section['rows'] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? '';
    if (name === '(idle)') continue;
    const time = timeDeltas[index] ?? 0;
    busy += time;
    times.set(name, (times.get(name) ?? 0) + time);
  }
  return [...times]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, TOP)
    .map(([name, time]) => [name, fixed((time / busy) * 100, 1)]);
}

/** A function of V8 itself (`JSON.parse`, for one) is counted as its caller; those of Node that are written in C++ have a name and no file. */
function functionOf({ functionName, url, lineNumber }: CallFrame): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  return url === '' ? name : `${name} ${pathOf(url)}:${lineNumber + 1}`;
}

function packageOf({ functionName, url }: CallFrame): string {
  if (url === '') return functionName.startsWith('(') ? functionName : 'node (native)';
  if (url.startsWith('node:')) return 'node';
  const path = pathOf(url);
  return /^(?:@[^/]+\/)?[^/]+/.exec(path.replace(/^packages\//, '@fieldgate/'))?.[0] ?? path;
}

function pathOf(url: string): string {
  return url
    .replace(/^.*\/node_modules\//, '')
    .replace(/^file:\/\/.*?\/((?:packages\/)?[^/]+\/dist\/)/, '$1');
}
