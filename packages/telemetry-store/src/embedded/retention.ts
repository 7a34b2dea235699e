import type { DuckDBConnection } from '@duckdb/node-api';
import type { Clock, Logger } from '@fieldgate/service';
import { KINDS, timeLiteral } from './schema.js';

/** Days that readings, and events with commands and alerts, are kept. */
export interface RetentionDays {
  readonly readings: number;
  readonly documents: number;
}
export const DEFAULT_RETENTION: RetentionDays = { readings: 400, documents: 400 };

const DAY_MS = 86_400_000;
const INTERVAL_MS = 3_600_000;

/** Deletes what has grown too old, at the start and then every hour, between two transactions of the writer. */
export class Retention {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly parts: { readonly clock: Clock; readonly logger: Logger; readonly days: RetentionDays },
    private readonly between: (expire: (connection: DuckDBConnection) => Promise<void>) => Promise<void>,
  ) {}

  start(): void {
    void this.run();
    this.timer = setInterval(() => void this.run(), INTERVAL_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Never fails: what could not be deleted now will be an hour later. */
  private async run(): Promise<void> {
    try {
      await this.between((connection) => expire(connection, this.parts.clock.now(), this.parts.days));
    } catch (error) {
      this.parts.logger.warn({ err: error }, 'old readings could not be deleted');
    }
  }
}

export async function expire(
  connection: DuckDBConnection,
  nowMs: number,
  days: RetentionDays,
): Promise<void> {
  const readings = timeLiteral(nowMs - days.readings * DAY_MS);
  const documents = timeLiteral(nowMs - days.documents * DAY_MS);
  for (const kind of KINDS) await connection.run(`DELETE FROM ${kind} WHERE time < ${readings}`);
  await connection.run(`DELETE FROM events WHERE time < ${documents}`);
  await connection.run(`DELETE FROM commands WHERE requested < ${documents}`);
  await connection.run(`DELETE FROM alerts WHERE raised < ${documents}`);
}
