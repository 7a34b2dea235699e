import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openSpool, readAll } from '../testing/open-spool.js';

/** As `npm test` has built it: a process of its own cannot run TypeScript. */
const CHILD = join(import.meta.dirname, '../../dist/testing/spool-until-killed.js');
const ROUNDS = 5;

let directory: string;
let children: ChildProcess[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fieldgate-spool-kill-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  await rm(directory, { recursive: true });
});

interface Said {
  /** Text and the position behind its group. */
  readonly texts: [text: string, next: number][];
  released: number;
}

/** It is killed in the middle of its work, after so many records. */
async function appendAndKill(round: number, records: number): Promise<Said> {
  const child = spawn(process.execPath, [CHILD, directory, `${round}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const exited = once(child, 'exit');
  const said: Said = { texts: [], released: 0 };
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [next, text] = line.split(' ');
    if (text === 'released') said.released = Number(next);
    else if (text !== undefined) said.texts.push([text, Number(next)]);
    if (++lines === records) child.kill('SIGKILL');
  }
  await exited;
  expect(child.signalCode).toBe('SIGKILL');
  return said;
}

describe('the spool and its process', () => {
  it('has every record whose append had resolved after kill -9, in order, and goes on', async () => {
    let kept: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const said = await appendAndKill(round, 3_000 + round * 1_717);
      const { spool, reports } = await openSpool(directory, { segmentBytes: 50_000 });
      const texts = (await readAll(spool)).map(({ record }) => record.key);
      const unreleased = said.texts.filter(([, next]) => next > said.released).map(([text]) => text);
      expect(unreleased.length).toBeGreaterThan(1_000);
      const found = new Set(texts);
      expect(unreleased.filter((text) => !found.has(text))).toEqual([]);
      expect(found.size).toBe(texts.length);
      const ofRound = texts.filter((text) => text.startsWith(`${round}-`));
      expect(ofRound).toEqual(ofRound.toSorted((a, b) => Number(a.split('-')[1]) - Number(b.split('-')[1])));
      if (said.released === 0) expect(texts.slice(0, kept.length)).toEqual(kept); // nothing of earlier rounds has moved
      expect(reports).toEqual([]);
      kept = texts;
      await spool.close();
    }
  }, 120_000);
});
