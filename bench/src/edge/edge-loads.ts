import { runLoad, type LoadPlan, type LoadResult } from '../load.js';
import type { IngestSystem } from '../systems/ingest-systems.js';
import { cpuSeconds } from '../systems/usage.js';

const PAYLOAD_BYTES = 200;

interface Load {
  readonly connections: number;
  readonly shape: LoadPlan['shape'];
  readonly warmSeconds: number;
}

/**
 * Clients × messages in flight of each, as fast as it goes; and a message per second of each device. A quiet load, which comes first, needs
 * some 10,000 messages until V8 and Kafka's JVM have compiled what they run: before that Kafka takes three times the CPU, and the slowest
 * hundredth of the PUBACKs waits for its compiler.
 */
export const LOADS = {
  'open 500': { connections: 500, shape: { kind: 'open', rate: 500 }, warmSeconds: 20 },
  'open 1000': { connections: 1_000, shape: { kind: 'open', rate: 1_000 }, warmSeconds: 1 },
  '50 × 100': { connections: 50, shape: { kind: 'closed', window: 100 }, warmSeconds: 1 },
  '200 × 20': { connections: 200, shape: { kind: 'closed', window: 20 }, warmSeconds: 1 },
  '1000 × 5': { connections: 1_000, shape: { kind: 'closed', window: 5 }, warmSeconds: 1 },
} as const satisfies Record<string, Load>;
export type LoadName = keyof typeof LOADS;

export const OPEN_LOADS = ['open 500', 'open 1000'] as const;
export const CLOSED_LOADS = ['50 × 100', '200 × 20', '1000 × 5'] as const;

export interface Measured extends LoadResult {
  /** Of the server's CPU time; NaN where it does not tell. */
  readonly gcPercent: number;
}

export async function measureLoad(system: IngestSystem, name: LoadName, seconds: number): Promise<Measured> {
  const { connections, shape, warmSeconds } = LOADS[name];
  const { port, pid, logPid, selfReport } = system;
  const pids = logPid === undefined ? [pid] : [pid, logPid];
  const plan = { port, connections, payloadBytes: PAYLOAD_BYTES, shape, warmSeconds, seconds, pids };
  const usage = async (): Promise<{ gc: number; cpu: number }> => ({
    gc: ((await selfReport?.())?.gcMs ?? Number.NaN) / 1000,
    cpu: cpuSeconds(pid),
  });
  let before = usage();
  const result = await runLoad(plan, () => {
    before = usage();
  });
  const [start, end] = [await before, await usage()];
  return { ...result, gcPercent: (100 * (end.gc - start.gc)) / (end.cpu - start.cpu) };
}
