import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { LogTopic } from '@fieldgate/contracts';
import { createLogger, systemClock } from '@fieldgate/service';
import { allOf } from '../testing/contract/reading.js';
import { appended } from '../log-writer.js';
import { createEmbeddedLog } from './embedded-log.js';

/** As `npm test` has built it: a process of its own cannot run TypeScript. */
const CHILD = join(import.meta.dirname, '../../dist/testing/append-until-killed.js');
const ROUNDS = 4;
const TOPICS: readonly LogTopic[] = ['fieldgate.telemetry.v1', 'fieldgate.events.v1', 'fieldgate.alerts.v1'];

let directory: string;
let children: ChildProcess[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fieldgate-kill-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  await rm(directory, { recursive: true });
});

/** What the child said was settled, per topic: text by offset. It is killed in the middle of its work, after so many records. */
async function appendAndKill(round: number, records: number): Promise<Map<string, Map<number, string>>> {
  const child = spawn(process.execPath, [CHILD, directory, `${round}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const exited = once(child, 'exit');
  const settled = new Map<string, Map<number, string>>(TOPICS.map((topic) => [topic, new Map()]));
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [topic = '', offset, text] = line.split(' ');
    if (text !== undefined) settled.get(topic)?.set(Number(offset), text);
    if (++lines === records) child.kill('SIGKILL');
  }
  await exited;
  return settled;
}

describe('the embedded log and its process', () => {
  it('has every settled record after kill -9, in its place, and goes on without a gap or a repeat', async () => {
    const kept = new Map<LogTopic, string[]>(TOPICS.map((topic) => [topic, []]));
    for (let round = 0; round < ROUNDS; round += 1) {
      const settled = await appendAndKill(round, 2_000 + round * 1_717);
      const log = createEmbeddedLog({
        directory,
        clock: systemClock,
        logger: createLogger({ level: 'silent' }),
      });
      await log.start(); // the lock of the dead process does not count
      for (const topic of TOPICS) {
        const records = await allOf(log.reader.read(topic, { partition: 0, from: 0, to: Infinity }));
        const texts = records.map(({ value }) =>
          Buffer.from(value ?? [])
            .toString()
            .trim(),
        );
        expect(records.map(({ offset }) => offset)).toEqual(records.map((_, index) => index));
        expect(new Set(texts).size).toBe(texts.length);
        const said = [...(settled.get(topic) ?? [])];
        expect(said.length).toBeGreaterThan(0);
        expect(said.filter(([offset, text]) => texts[offset] !== text)).toEqual([]);
        expect(texts.slice(0, kept.get(topic)?.length)).toEqual(kept.get(topic)); // nothing of earlier rounds has moved
        const text = `parent-${round}`;
        const at = await appended(log.writer, { topic, key: text, value: Buffer.from(text) });
        expect(at).toEqual({ partition: 0, offset: records.length });
        kept.set(topic, [...texts, text]);
      }
      await log.stop();
    }
  }, 60_000);
});
