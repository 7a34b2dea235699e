import { measureAllowance, cpuMsOfReading } from './allowed-time.js';
import { examine, type Examination } from './examine.js';
import { type Input, Inputs } from './input.js';
import { growth, sampleMemory, type MemorySample } from './memory.js';
import { loadCorpus } from './seeds.js';
import { Tally } from './tally.js';

export interface FuzzRun {
  readonly inputs: number;
  readonly seed: number;
  /** Called before each input, which may be the one that never ends. */
  readonly onInput?: (index: number) => void;
}

export interface FuzzResult {
  readonly tally: Tally;
  readonly samples: readonly MemorySample[];
  /** What must hold and does not; empty: all is well. */
  readonly shortcomings: readonly string[];
}

const MEMORY_SAMPLES = 20;
/** A slow input is read again. */
const TRIES = 5;

/** Reads many mutated streams and looks at what the decoder makes of them. */
export function fuzz({ inputs, seed, onInput }: FuzzRun): FuzzResult {
  const source = new Inputs(loadCorpus(), seed);
  const allowance = measureAllowance();
  const tally = new Tally();
  const samples: MemorySample[] = [];
  const between = Math.ceil(inputs / MEMORY_SAMPLES);
  for (let index = 0; index < inputs; index++) {
    onInput?.(index);
    judge(index, source.at(index), allowance, tally);
    if ((index + 1) % between === 0) samples.push(sampleMemory());
  }
  return { tally, samples, shortcomings: tally.shortcomings().concat(growth(samples)) };
}

function judge(index: number, input: Input, allowance: (input: Input) => number, tally: Tally): void {
  const examination = examined(index, input, tally);
  if (examination === undefined) return;
  const allowed = allowance(input);
  let { ms } = examination;
  for (let tries = 1; ms > allowed && tries < TRIES; tries++) ms = Math.min(ms, cpuMsOfReading(input));
  if (ms > allowed)
    tally.fail(index, `${ms.toFixed(1)} ms for ${input.stream.length} bytes, ${allowed.toFixed(1)} allowed`);
  if (input.stream.length >= 1000) tally.slowest = Math.max(tally.slowest, (ms * 1e6) / input.stream.length);
  tally.add(index, input, examination);
}

/** Whatever is thrown here is what this program looks for. */
function examined(index: number, input: Input, tally: Tally): Examination | undefined {
  try {
    return examine(input);
  } catch (error) {
    tally.fail(index, error instanceof Error ? (error.stack ?? error.message) : String(error));
    return undefined;
  }
}
