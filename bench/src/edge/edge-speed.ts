import { fixed, progress, whole } from '../report.js';
import type { IngestSystemKind } from '../systems/ingest-systems.js';
import {
  allInOne,
  edgeAlone,
  embeddedGateway,
  kafkaGateway,
  leastServer,
  mosquitto,
  otherServer,
} from './edge-systems.js';
import { CLOSED_LOADS, LOADS, measureLoad, OPEN_LOADS, type LoadName, type Measured } from './edge-loads.js';

/** All runs of each load that a system had. */
export type SpeedOf = Readonly<Record<LoadName, Measured[]>>;
/** In the order of the tables. */
export type Speeds = ReadonlyMap<IngestSystemKind, SpeedOf>;

/** The quiet loads first: memory at 500 messages/s is that of a process which has seen no more. */
const ALL_LOADS = [...OPEN_LOADS, ...CLOSED_LOADS];
const WITHOUT_LOG = ['open 1000', ...CLOSED_LOADS] as const;
/** It goes on storing after a load as fast as it goes, so that one comes last. */
const STORING = ['open 500', '200 × 20'] as const;

/** Every system has its turn in every run, alone, under each of its loads. */
export async function measureSpeed(seconds: number, runs: number, given?: string): Promise<Speeds> {
  const all: readonly { kind: IngestSystemKind; loads: readonly LoadName[] }[] = [
    ...(mosquitto ? [{ kind: mosquitto, loads: ALL_LOADS }] : []),
    { kind: leastServer, loads: WITHOUT_LOG },
    ...(given === undefined ? [] : [{ kind: otherServer(given), loads: WITHOUT_LOG }]),
    { kind: edgeAlone, loads: WITHOUT_LOG },
    { kind: embeddedGateway, loads: ALL_LOADS },
    { kind: kafkaGateway, loads: ALL_LOADS },
    { kind: allInOne, loads: STORING },
  ];
  const speeds = new Map<IngestSystemKind, SpeedOf>(all.map(({ kind }) => [kind, nothingYet()]));
  for (let run = 1; run <= runs; run += 1) {
    for (const { kind, loads } of all) {
      await kind.during(async (system) => {
        for (const load of loads) {
          const measured = await measureLoad(system, load, seconds);
          speeds.get(kind)?.[load].push(measured);
          progress(`edge ${run}/${runs}  ${kind.name}, ${load}: ${shortly(measured)}`);
        }
      });
    }
  }
  return speeds;
}

function nothingYet(): SpeedOf {
  return Object.fromEntries(Object.keys(LOADS).map((load) => [load, []])) as unknown as SpeedOf; // every load is a key
}

function shortly({ acknowledgedPerSecond, cpuPer100k, p50Ms, p99Ms, rssMb }: Measured): string {
  const of = (values: readonly number[]): number => values[0] ?? Number.NaN;
  return `${whole(acknowledgedPerSecond)}/s, ${fixed(of(cpuPer100k))} CPU s, p50 ${fixed(p50Ms)} ms, p99 ${fixed(p99Ms)} ms, ${whole(of(rssMb))} MB`;
}
