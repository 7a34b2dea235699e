import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { FieldgateError } from '@fieldgate/contracts';
import { InfluxDB } from 'influx';
import { z } from 'zod';
import { messageOf } from '../message-of.js';
import type { InfluxAddress } from './influx-address.js';

/** One statement's answer; without points there is no series. Influx gives one series per statement here: nothing is grouped by tags. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

export const answerSchema = z.object({
  results: z.array(
    z.object({
      error: z.string().optional(),
      series: z
        .array(z.object({ columns: z.array(z.string()), values: z.array(z.array(z.unknown())) }))
        .optional(),
    }),
  ),
});

export type InfluxAnswer = z.infer<typeof answerSchema>;

const TIMEOUT_MS = 30_000;
const SOCKETS = 4;
export const STATEMENTS_PER_REQUEST = 100;
const EMPTY: Table = { columns: [], rows: [] };
/** The package's own waiting list would keep the server locked out for seconds after one failure. */
const NO_BACK_OFF = { getDelay: () => 0, next: () => NO_BACK_OFF, reset: () => NO_BACK_OFF };

/** Queries and the database itself, through the package `influx`. Every failure is `store-unavailable`. */
export class InfluxQueries {
  private readonly client: InfluxDB;
  private readonly agent: HttpAgent | HttpsAgent;

  constructor(private readonly address: InfluxAddress) {
    const { protocol, host, port, database, username, password } = address;
    const options = { keepAlive: true, maxSockets: SOCKETS };
    this.agent = protocol === 'https' ? new HttpsAgent(options) : new HttpAgent(options);
    this.client = new InfluxDB({
      protocol,
      host,
      port,
      database,
      ...(username === undefined ? {} : { username, password: password ?? '' }),
      options: { agent: this.agent },
      pool: { maxRetries: 0, backoff: NO_BACK_OFF, requestTimeout: TIMEOUT_MS },
    });
  }

  /** Creates the database when it is missing. Asks first: who may use a database may not always create one. */
  async ensureDatabase(): Promise<void> {
    const [result] = await this.send(['SHOW RETENTION POLICIES'], {}, 'ms');
    if (result?.error === undefined) return;
    if (!result.error.includes('database not found')) throw this.unavailable(result.error);
    await this.guarded(this.client.createDatabase(this.address.database));
  }

  /** One table per statement, times in ms, or as texts down to the nanosecond. `$name` in a statement stands for a value of `values`. */
  async tables(
    statements: readonly string[],
    values: Readonly<Record<string, string>>,
    times: 'ms' | 'text' = 'ms',
  ): Promise<readonly Table[]> {
    const tables: Table[] = [];
    for (let start = 0; start < statements.length; start += STATEMENTS_PER_REQUEST) {
      for (const { error, series } of await this.send(
        statements.slice(start, start + STATEMENTS_PER_REQUEST),
        values,
        times,
      )) {
        if (error !== undefined) throw this.unavailable(error);
        const first = series?.[0];
        tables.push(first ? { columns: first.columns, rows: first.values } : EMPTY);
      }
    }
    return tables;
  }

  close(): void {
    this.agent.destroy();
  }

  private async send(
    statements: readonly string[],
    placeholders: Readonly<Record<string, string>>,
    times: 'ms' | 'text',
  ): Promise<InfluxAnswer['results']> {
    // POST, because hundreds of statements do not fit into a URL
    const options = { ...(times === 'ms' && { precision: times }), method: 'POST', placeholders } as const;
    const answer = answerSchema.safeParse(await this.guarded(this.client.queryRaw([...statements], options)));
    if (!answer.success) throw this.unavailable('its answer is not InfluxDB’s');
    if (
      answer.data.results.length !== statements.length &&
      answer.data.results.every(({ error }) => error === undefined)
    )
      throw this.unavailable('it has not answered every statement');
    return answer.data.results;
  }

  /** The package never settles when a connection breaks in the middle of an answer: a limit of our own. */
  private async guarded<T>(answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS);
    });
    try {
      return await Promise.race([answer, limit]);
    } catch (cause) {
      throw this.unavailable(messageOf(cause), cause);
    } finally {
      clearTimeout(timer);
    }
  }

  private unavailable(reason: string, cause?: unknown): FieldgateError {
    return new FieldgateError('store-unavailable', `InfluxDB at ${this.address.shown}: ${reason}`, { cause });
  }
}
