import { Worker } from 'node:worker_threads';
import { describeInput } from './describe-input.js';
import { examine } from './examine.js';
import { fuzzOptions, type FuzzOptions } from './fuzz-options.js';
import { Inputs } from './input.js';
import { gist } from './read-stream.js';
import { loadCorpus } from './seeds.js';

/** An input that takes longer than this hangs. */
const HANGS_AFTER_MS = 30_000;

const USAGE = `npm run fuzz -- [options]
  --inputs <count>  how many, 1000000
  --seed <number>   of the run, 1
  --input <number>  shows this one input of the run, and nothing else`;

const options = fuzzOptions(process.argv.slice(2));
if (options === 'help') console.log(USAGE);
else if ('wrong' in options) {
  console.error(`fuzz: ${options.wrong} (--help says what there is)`);
  process.exitCode = 2;
} else if (options.input === undefined) run(options);
else show(options.input, options.seed);

/** The work is done beside this thread, so that a decoder that never comes back is noticed. */
function run({ inputs, seed }: FuzzOptions): void {
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
function show(index: number, seed: number): void {
  const input = new Inputs(loadCorpus(), seed).at(index);
  const { outcome, faults } = examine(input);
  console.log(describeInput(input));
  console.log(
    `read, each packet with its type and what it holds, a refusal after an exclamation mark: ${gist(outcome) || 'nothing'}`,
  );
  console.log(`faults: ${faults.join('; ') || 'none'}`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}
