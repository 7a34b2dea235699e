import type { DuckDBConnection, DuckDBInstance, DuckDBValue } from '@duckdb/node-api';
import { FieldgateError } from '@fieldgate/contracts';

/** Each query holds a thread of the process while it runs. */
const CONNECTIONS = 2;
const MAX_WAITING = 200;

/** Queries, beside the writer and never in its way; two at a time, the others wait in order. */
export class ReadConnections {
  private readonly all: DuckDBConnection[] = [];
  private readonly idle: DuckDBConnection[] = [];
  private readonly waiting: {
    readonly resolve: (connection: DuckDBConnection) => void;
    readonly reject: (error: FieldgateError) => void;
  }[] = [];
  private closed = false;

  static async open(instance: DuckDBInstance): Promise<ReadConnections> {
    const connections = new ReadConnections();
    for (let count = 0; count < CONNECTIONS; count++) {
      const connection = await instance.connect();
      connections.all.push(connection);
      connections.idle.push(connection);
    }
    return connections;
  }

  /** Rows as arrays. Refuses with `too-many-requests` when too many wait already. */
  async rows(sql: string, values: DuckDBValue[] = []): Promise<DuckDBValue[][]> {
    if (this.closed) throw unavailable();
    const connection = await this.take();
    try {
      return (await connection.runAndReadAll(sql, values)).getRows();
    } catch (cause) {
      throw unavailable(cause);
    } finally {
      this.give(connection);
    }
  }

  /** Waits for the queries that run; those that have not begun are refused. */
  async close(): Promise<void> {
    this.closed = true;
    for (const { reject } of this.waiting.splice(0)) reject(unavailable());
    for (let count = this.all.length; count > 0; count--) await this.take();
    for (const connection of this.all) connection.closeSync();
    this.all.length = 0;
  }

  private async take(): Promise<DuckDBConnection> {
    const idle = this.idle.pop();
    if (idle) return idle;
    if (this.waiting.length >= MAX_WAITING) throw new FieldgateError('too-many-requests');
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  private give(connection: DuckDBConnection): void {
    const next = this.waiting.shift();
    if (next) next.resolve(connection);
    else this.idle.push(connection);
  }
}

export function unavailable(cause?: unknown): FieldgateError {
  return new FieldgateError('store-unavailable', 'the telemetry store could not answer a query', { cause });
}
