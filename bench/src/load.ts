import { Child } from './systems/child.js';

/** What the load generator does, as a process of its own. */
export interface LoadPlan {
  readonly port: number;
  readonly connections: number;
  /** Of the accounts of the bench; 0 when it is left out. */
  readonly firstDevice?: number;
  readonly payloadBytes: number;
  /** Closed: so many unacknowledged messages per connection, always. Open: so many messages per second in all, whatever comes back. */
  readonly shape:
    { readonly kind: 'closed'; readonly window: number } | { readonly kind: 'open'; readonly rate: number };
  readonly warmSeconds: number;
  readonly seconds: number;
  /** Processes whose CPU time and memory are taken over the measured seconds. */
  readonly pids: readonly number[];
}

export interface LoadResult {
  readonly acknowledgedPerSecond: number;
  /** From the write of a PUBLISH to its PUBACK. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Per pid, in the order of the plan: CPU seconds per 100,000 acknowledged messages, and MB at the end. */
  readonly cpuPer100k: readonly number[];
  readonly rssMb: readonly number[];
  /** What of it is no file: neither node's own program nor the mapped log. */
  readonly anonymousMb: readonly number[];
  /** Of one core; near 100 the generator is the limit, not what it measures. */
  readonly generatorPercent: number;
}

/** `began` is called when the warm-up is over, `sending` when it begins. */
export async function runLoad(plan: LoadPlan, began?: () => void, sending?: () => void): Promise<LoadResult> {
  const child = Child.node('processes/load.js', [JSON.stringify(plan)]);
  if (sending) await child.line('sending').then(sending);
  if (began) await child.line('measuring').then(began);
  const line = await child.line('done');
  await child.stop();
  return line['result'] as LoadResult; // written by processes/load.ts
}
