import { randomInt } from 'node:crypto';
import type { Clock } from '@fieldgate/service';
import { answerSchema, type InfluxAnswer, STATEMENTS_PER_REQUEST } from './influx-queries.js';
import type { InfluxResponse } from './influx-writes.js';
import { NS_PER_MS, pointTime } from './point-time.js';
import { StoreProblem } from './store-problem.js';

/** InfluxDB's shards begin and end at full hours, unless somebody has given its retention policy another SHARD DURATION. */
const HOUR_MS = 3_600_000;
/** A shard in which something was kept so recently needs no point: InfluxDB neither starts nor puts a shard aside in that time. */
const PROBED_MS = 2_000;
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
  private readonly probed = new Map<number, number>();

  constructor(private readonly monotonic: Clock) {}

  /** Throws `store-unavailable` when none is there after all. */
  async before({ newest }: Hours, server: ProbedServer): Promise<void> {
    const dueMs = this.monotonic.now() - PROBED_MS;
    const isDue = (hour: number): boolean => (this.probed.get(hour) ?? Number.NEGATIVE_INFINITY) < dueMs;
    const times = [...newest].filter(([hour]) => isDue(hour)).map(([, timeMs]) => timeMs);
    if (times.length > 0) await keptBy(server, times);
  }

  /** Something was kept there. */
  written({ newest }: Hours): void {
    if (this.probed.size > REMEMBERED) this.probed.clear();
    const nowMs = this.monotonic.now();
    for (const hour of newest.keys()) this.probed.set(hour, nowMs);
  }

  /** It may have been started anew. */
  forget(): void {
    this.probed.clear();
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
    for (const at of asked.keys()) found.push(answer.results[at]?.series !== undefined);
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
