import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const MEGABYTE = 2 ** 20;

/** In megabytes, after a garbage collection. */
export interface MemorySample {
  readonly heap: number;
  readonly buffers: number;
  readonly rss: number;
}

/** How much each figure may grow between the first sample and the last. */
const GROWTH: MemorySample = { heap: 8, buffers: 2, rss: 64 };

export function sampleMemory(): MemorySample {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('this Node has no gc()');
  collect();
  collect(); // the memory of buffers is given back behind the first one
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heap: heapUsed / MEGABYTE, buffers: arrayBuffers / MEGABYTE, rss: rss / MEGABYTE };
}

/** What has grown. The first samples are taken while everything is still being compiled: they do not count. */
export function growth(samples: readonly MemorySample[]): string[] {
  const settled = samples.slice(Math.ceil(samples.length / 4));
  const [first] = settled;
  if (first === undefined) return [];
  return (['heap', 'buffers', 'rss'] as const)
    .filter((figure) => Math.max(...settled.map((sample) => sample[figure])) - first[figure] > GROWTH[figure])
    .map(
      (figure) =>
        `${figure} has grown from ${settled.map((sample) => sample[figure].toFixed(1)).join(' to ')} MB`,
    );
}
