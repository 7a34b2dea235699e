import { setTimeout as delay } from 'node:timers/promises';
import { ServiceError } from './service-error.mjs';

/** @typedef {(line: string) => void} Report a line for the screen */

/**
 * Does one step and reports its name with the seconds it took.
 * @template T
 * @param {Report} report
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(report, name, work) {
  const started = performance.now();
  const result = await work();
  report(`${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return result;
}

/**
 * Asks again and again until the answer is `undefined`, which means "nothing is missing any more".
 * `fault` is the sentence for the error when it takes too long. An error thrown by `missing` ends the wait at once.
 * @param {() => Promise<string | undefined>} missing what is still missing, in words
 * @param {{ fault: string, timeoutMs: number, everyMs?: number }} bounds
 */
export async function until(missing, { fault, timeoutMs, everyMs = 50 }) {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const reason = await missing();
    if (reason === undefined) return;
    if (performance.now() > deadline)
      throw new ServiceError(`${fault} (waited ${timeoutMs / 1000} s: ${reason})`);
    await delay(everyMs);
  }
}
