import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const FUZZ = join(import.meta.dirname, '../../fuzz/dist/main.js');

/** In a process of its own, as `npm run fuzz` does it: Jest's globals would cost more than the decoder. */
it('100,000 mutated streams: nothing is thrown, hangs or grows, and each refusal is a value with code and clause', async () => {
  const args = [FUZZ, '--inputs', '100000', '--seed', '1'];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args).catch(
    (failed: { stdout: string; stderr: string }) => failed, // as execFile rejects: what was written says why
  );
  expect(stdout.split('\n').filter((line) => /^input \d|^NOT HELD/.test(line))).toEqual([]); // `npm run fuzz -- --seed 1 --input N` shows one
  expect(stderr).not.toContain('hangs');
  expect(stdout).toMatch(/^100\D?000 inputs[^]*^faults: 0$/m);
}, 300_000);
