import type { Clock } from '@fieldgate/service';
import type { Table } from './influx-queries.js';
import type { InfluxResponse } from './influx-writes.js';
import { StoreProblem } from './store-problem.js';

/** InfluxDB's shards begin and end at full hours, whatever its retention policy says. */
const HOUR_MS = 3_600_000;
/** A shard in which something was kept so recently needs no point: InfluxDB neither starts nor puts a shard aside in that time. */
const PROBED_MS = 2_000;
const ATTEMPTS = 5;
/** Hours that are remembered; a fleet writes into few at a time. */
const REMEMBERED = 10_000;
const MEASUREMENT = 'fieldgate_probe';

export interface ProbedServer {
  readonly post: (lines: Buffer) => Promise<InfluxResponse>;
  readonly tables: (statements: readonly string[]) => Promise<readonly Table[]>;
  /** The exception for an answer that is about the server and not about the lines. */
  readonly unavailable: (response: InfluxResponse) => Error;
}

/** The hours into which a batch is written. */
export class Hours {
  readonly all = new Set<number>();
  private last: number | undefined;

  add(timeMs: number): void {
    const hour = Math.floor(timeMs / HOUR_MS);
    if (hour === this.last) return;
    this.last = hour;
    this.all.add(hour);
  }
}

/**
 * InfluxDB 1.x makes the cache of a shard with the first write after a start and after a time without writes, and one that comes in that
 * moment is answered with success and kept by nobody (`Cache.init` of its tsm1 engine, docs/decisions/0019). So before anything is written
 * into a shard of which that may be true, a point of our own goes there, again and again until it can be read.
 */
export class ShardProbe {
  private readonly probed = new Map<number, number>();

  constructor(private readonly monotonic: Clock) {}

  /** Throws `store-unavailable` when the point is not there after all. */
  async before({ all }: Hours, server: ProbedServer): Promise<void> {
    const dueMs = this.monotonic.now() - PROBED_MS;
    const due = [...all].filter((hour) => (this.probed.get(hour) ?? Number.NEGATIVE_INFINITY) < dueMs);
    if (due.length > 0) await keptBy(server, due);
  }

  /** Something was kept there. */
  written({ all }: Hours): void {
    if (this.probed.size > REMEMBERED) this.probed.clear();
    const nowMs = this.monotonic.now();
    for (const hour of all) this.probed.set(hour, nowMs);
  }

  /** It may have been started anew. */
  forget(): void {
    this.probed.clear();
  }
}

async function keptBy(server: ProbedServer, hours: readonly number[]): Promise<void> {
  let missing = hours;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const response = await server.post(Buffer.from(missing.map(lineOf).join('')));
    if (response.status === 400) {
      // older than its retention policy, and so are the records of that hour: InfluxDB says it of each
      if (missing.length > 1) for (const hour of missing) await keptBy(server, [hour]);
      return;
    }
    if (response.status < 200 || response.status > 299) throw server.unavailable(response);
    const tables = await server.tables(missing.map(statementOf));
    missing = missing.filter((_, at) => (tables[at]?.rows.length ?? 0) === 0);
    if (missing.length === 0) return;
  }
  throw new StoreProblem(
    'error',
    'InfluxDB answers that it has written, and what it has written is not there',
  );
}

function lineOf(hour: number): string {
  return `${MEASUREMENT} hour=${hour}i ${nanoseconds(hour)}\n`;
}

function statementOf(hour: number): string {
  return `SELECT hour FROM ${MEASUREMENT} WHERE time = ${nanoseconds(hour)}`;
}

function nanoseconds(hour: number): bigint {
  return BigInt(hour) * BigInt(HOUR_MS) * 1_000_000n;
}
