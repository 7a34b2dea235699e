import { randomInt } from 'node:crypto';
import type { Clock } from '@fieldgate/service';
import { answerSchema, type InfluxAnswer, STATEMENTS_PER_REQUEST } from './influx-queries.js';
import type { InfluxResponse } from './influx-writes.js';
import { NS_PER_MS, pointTime } from './point-time.js';
import { StoreProblem } from './store-problem.js';

/** InfluxDB's shards begin and end at full hours, unless somebody has given its retention policy another SHARD DURATION. */
const HOUR_MS = 3_600_000;
/** Where something was written so recently InfluxDB has the shard in its memory. */
const WRITTEN_MS = 2_000;
/** And all the same it is looked at so often: it may have put the shard aside in that very moment. */
const PROBED_MS = 10_000;
const ATTEMPTS = 5;
/** Hours that are remembered; a fleet writes into few at a time. */
const REMEMBERED = 10_000;
const MEASUREMENT = 'fieldgate_probe';

export interface ProbedServer {
  readonly post: (lines: Buffer) => Promise<InfluxResponse>;
  readonly ask: (query: string) => Promise<InfluxResponse>;
  /** The exception for an answer that is about the server and not about the lines. */
  readonly unavailable: (response: InfluxResponse) => Error;
}

/** The hours into which a batch is written, each with the newest of its times: epoch ms. */
export class Hours {
  readonly newest = new Map<number, number>();

  add(timeMs: number): void {
    const hour = Math.floor(timeMs / HOUR_MS);
    const newest = this.newest.get(hour);
    if (newest === undefined || newest < timeMs) this.newest.set(hour, timeMs);
  }
}

/**
 * InfluxDB 1.x makes the cache of a shard with the first write after a start and after a time without writes, and one that comes in that
 * moment is answered with success and kept by nobody (`Cache.init` of its tsm1 engine, docs/decisions/0019). So before anything is written
 * into a shard of which that may be true, a point of our own goes there, each time another one, until one can be read.
 */
export class ShardProbe {
  private readonly hours = new Map<number, { readonly probedMs: number; writtenMs: number }>();

  constructor(private readonly monotonic: Clock) {}

  /** Throws `store-unavailable` when none is there after all. */
  async before({ newest }: Hours, server: ProbedServer): Promise<void> {
    const nowMs = this.monotonic.now();
    const isDue = (hour: number): boolean => {
      const known = this.hours.get(hour);
      return !known || nowMs - known.writtenMs > WRITTEN_MS || nowMs - known.probedMs > PROBED_MS;
    };
    const due = [...newest].filter(([hour]) => isDue(hour));
    if (due.length === 0) return;
    await keptBy(
      server,
      due.map(([, timeMs]) => timeMs),
    );
    if (this.hours.size > REMEMBERED) this.hours.clear();
    for (const [hour] of due) this.hours.set(hour, { probedMs: nowMs, writtenMs: nowMs });
  }

  written({ newest }: Hours): void {
    const nowMs = this.monotonic.now();
    for (const hour of newest.keys()) {
      const known = this.hours.get(hour);
      if (known) known.writtenMs = nowMs;
    }
  }

  /** It may have been started anew. */
  forget(): void {
    this.hours.clear();
  }
}

async function keptBy(server: ProbedServer, times: readonly number[]): Promise<void> {
  let missing = times;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const points = missing.map((timeMs) => pointTime(timeMs, randomInt(NS_PER_MS))); // one that was there before says nothing
    const response = await server.post(Buffer.from(points.map(lineAt).join('')));
    const isRefused = response.status === 400 || response.status === 422;
    if (!isRefused && !isWell(response)) throw server.unavailable(response);
    const found = await foundAmong(server, points);
    missing = missing.filter((_, at) => found[at] !== true);
    if (missing.length === 0) return;
    if (!isRefused) continue;
    // older than its retention policy, and so are the records of that hour: InfluxDB says it of each
    if (times.length > 1) for (const timeMs of missing) await keptBy(server, [timeMs]);
    return;
  }
  throw new StoreProblem(
    'error',
    'InfluxDB answers that it has written, and what it has written is not there',
  );
}

async function foundAmong(server: ProbedServer, times: readonly string[]): Promise<readonly boolean[]> {
  const found: boolean[] = [];
  for (let from = 0; from < times.length; from += STATEMENTS_PER_REQUEST) {
    const asked = times.slice(from, from + STATEMENTS_PER_REQUEST);
    const response = await server.ask(asked.map(statementOf).join(';'));
    const answer = answerIn(response);
    if (!isWell(response) || !answer) throw server.unavailable(response);
    for (const at of asked.keys()) {
      const { error, series } = answer.results[at] ?? {};
      const status = error?.includes('database not found') ? 404 : response.status; // as a write would be answered
      if (error !== undefined) throw server.unavailable({ status, body: error });
      found.push(series !== undefined);
    }
  }
  return found;
}

function answerIn({ body }: InfluxResponse): InfluxAnswer | undefined {
  try {
    return answerSchema.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined; // no JSON: a proxy's
  }
}

function isWell({ status }: InfluxResponse): boolean {
  return status >= 200 && status <= 299;
}

function lineAt(time: string): string {
  return `${MEASUREMENT} probe=1i ${time}\n`;
}

function statementOf(time: string): string {
  return `SELECT probe FROM ${MEASUREMENT} WHERE time = ${time}`;
}
