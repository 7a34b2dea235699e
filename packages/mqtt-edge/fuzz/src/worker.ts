import { workerData } from 'node:worker_threads';
import { fuzz } from './fuzz.js';

const { inputs, seed, progress } = workerData as { inputs: number; seed: number; progress: Int32Array }; // of main.ts
const started = performance.now();
const { tally, samples, shortcomings } = fuzz({
  inputs,
  seed,
  onInput: (index) => Atomics.store(progress, 0, index),
});
console.log(tally.table());
const seconds = (performance.now() - started) / 1000;
const [first, last] = [samples[0], samples.at(-1)].map(
  (sample) =>
    sample &&
    `${sample.heap.toFixed(1)} MB heap, ${sample.buffers.toFixed(1)} MB buffers, ${sample.rss.toFixed(0)} MB RSS`,
);
console.log(`memory: ${first}; at the end ${last}`);
console.log(`seed ${seed}, ${seconds.toFixed(0)} s`);
for (const { index, fault } of tally.faults) console.log(`input ${index}: ${fault}`);
for (const shortcoming of shortcomings) console.log(`NOT HELD: ${shortcoming}`);
process.exitCode = shortcomings.length > 0 ? 1 : 0;
