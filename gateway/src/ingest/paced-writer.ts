import type { LogWriter, NewRecord, Settle } from '@fieldgate/commit-log';
import { counts } from '../gateway.metrics.js';

/** A connection that can be read no further for a while. */
export interface Holdable {
  hold(): void;
  release(): void;
}

/**
 * The log as ingest writes to it, and who has to wait for it. From the moment when too much waits to become durable until half of that is, a device
 * that publishes is read no further than that message; the others are read, so that their PINGREQs are answered. So what piles up has a bound,
 * also of QoS 0, which no acknowledgement holds back.
 */
export class PacedWriter {
  private isFull = false;
  private readonly held = new Set<Holdable>();

  constructor(private readonly writer: LogWriter) {}

  append<R extends NewRecord>(record: R, settle: Settle<R>): void {
    if (this.writer.append(record, settle) || this.isFull) return;
    this.isFull = true;
    this.writer.drained(() => this.letGo());
  }

  /** To be called with every PUBLISH, before it is ingested. */
  pace(connection: Holdable): void {
    if (!this.isFull || this.held.has(connection)) return;
    this.held.add(connection);
    counts.held += 1;
    connection.hold();
  }

  private letGo(): void {
    this.isFull = false;
    const connections = [...this.held];
    this.held.clear();
    for (const connection of connections) connection.release();
  }
}
