import { readFile } from 'node:fs/promises';
import { commitLogEnvironment, openCommitLog } from '@fieldgate/commit-log';
import { createLogger, readEnvironment, systemClock } from '@fieldgate/service';
import { z } from 'zod';
import type { Acknowledged } from './steady-devices.js';

// node check-log.js '{"FIELDGATE_KAFKA_BROKERS":"…"}' FILE
//
// Reads all telemetry of the log, and says what it lacks of what was acknowledged, and what overtook something of its device.

export interface LogCheck {
  readonly records: number;
  /** Acknowledged, and not in the log. */
  readonly lost: number;
  /** More than once in the log. */
  readonly repeated: number;
  /** First seen behind a newer one of its device. */
  readonly overtaken: number;
}

const TOPIC = 'fieldgate.telemetry.v1';
const [, , given = '{}', file = ''] = process.argv;
const settings = readEnvironment(z.object(commitLogEnvironment), JSON.parse(given) as Record<string, string>); // of our own bench
const acknowledged = JSON.parse(await readFile(file, 'utf8')) as Acknowledged; // written by steady-devices.ts
const log = await openCommitLog(settings, { clock: systemClock, logger: createLogger({ level: 'warn' }) });
await log.start();
const result = await check();
await log.stop();
process.stdout.write(`${JSON.stringify({ msg: 'checked', result })}\n`);

async function check(): Promise<LogCheck> {
  const seen = new Map<string, { readonly seqs: Set<number>; newest: number }>();
  let records = 0;
  let repeated = 0;
  let overtaken = 0;
  for (const { partition, earliest, end } of await log.reader.bounds(TOPIC))
    for await (const { key, value } of log.reader.read(TOPIC, { partition, from: earliest, to: end })) {
      const seq = seqOf(value);
      let device = seen.get(key);
      if (!device) seen.set(key, (device = { seqs: new Set(), newest: 0 }));
      records += 1;
      if (device.seqs.has(seq)) repeated += 1;
      else if (seq < device.newest) overtaken += 1;
      device.seqs.add(seq);
      device.newest = Math.max(device.newest, seq);
    }
  const lost = Object.entries(acknowledged).reduce(
    (sum, [id, seqs]) => sum + seqs.filter((seq) => !seen.get(id)?.seqs.has(seq)).length,
    0,
  );
  return { records, lost, repeated, overtaken };
}

/** Every message of the bench has one. */
function seqOf(value: Uint8Array | null): number {
  const [, seq] = /"seq":(\d+)/.exec(Buffer.from(value ?? []).toString('latin1')) ?? [];
  if (seq === undefined) throw new Error('a record without seq');
  return Number(seq);
}
