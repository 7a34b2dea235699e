import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { examine } from './examine.js';
import { Inputs } from './input.js';
import { gist } from './read-stream.js';
import { loadCorpus } from './seeds.js';

/** An input that takes longer than this hangs. */
const HANGS_AFTER_MS = 30_000;

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    input: { type: 'string' },
  },
});
const seed = Number(values.seed);
if (values.input === undefined) run(Number(values.inputs));
else show(Number(values.input));

/** The work is done beside this thread, so that a decoder that never comes back is noticed. */
function run(inputs: number): void {
  const progress = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData: { inputs, seed, progress },
  });
  let last = -1;
  const watch = setInterval(() => {
    const index = Atomics.load(progress, 0);
    if (index === last) {
      console.error(`input ${index} of seed ${seed} hangs`);
      process.exit(1);
    }
    last = index;
    console.error(`${index} of ${inputs} inputs`);
  }, HANGS_AFTER_MS);
  worker.on('exit', (code) => {
    clearInterval(watch);
    process.exitCode = code;
  });
}

/** One input of a run again, with its bytes. */
function show(index: number): void {
  const input = new Inputs(loadCorpus(), seed).at(index);
  console.log({
    ...input,
    stream: undefined,
    chunks: input.chunks.map((chunk) => chunk.toString('hex')).join(' '),
  });
  const { outcome, faults } = examine(input);
  console.log(gist(outcome), faults);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
