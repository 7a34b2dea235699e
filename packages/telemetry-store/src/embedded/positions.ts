import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api';
import type { StorePosition } from '../telemetry-store.js';

/**
 * Up to where each partition of the log has been stored, kept in the transaction that stores it. What lies before is looked up in the
 * file instead of being left out at once: a log that was deleted or replaced starts at 0 again, and its records are new.
 */
export class Positions {
  private readonly next = new Map<string, { readonly at: StorePosition; readonly next: number }>();
  private readonly changed = new Set<string>();
  /** The highest offsets of the group of batches in hand. */
  private readonly seen = new Map<string, number>();

  private constructor(private readonly upsert: DuckDBPreparedStatement) {}

  static async open(connection: DuckDBConnection): Promise<Positions> {
    const positions = new Positions(
      await connection.prepare('INSERT OR REPLACE INTO positions VALUES ($1, $2, $3)'),
    );
    const reader = await connection.runAndReadAll('SELECT topic, part, next FROM positions');
    for (const [topic, partition, next] of reader.getRows()) {
      // written by `save`, from positions
      const at = { topic, partition: Number(partition), offset: Number(next) - 1 } as StorePosition;
      positions.next.set(keyOf(at), { at, next: Number(next) });
    }
    return positions;
  }

  /** Notes that a record is being stored; true when the log has delivered it before. */
  pass(at: StorePosition): boolean {
    const key = keyOf(at);
    this.seen.set(key, Math.max(at.offset, this.seen.get(key) ?? 0));
    if (at.offset < (this.next.get(key)?.next ?? 0)) return true;
    this.next.set(key, { at, next: at.offset + 1 });
    this.changed.add(key);
    return false;
  }

  /** The log says that it delivers this one again, and the file does not have it: the log has been replaced. */
  rewind(at: StorePosition): void {
    const key = keyOf(at);
    this.next.set(key, { at, next: (this.seen.get(key) ?? at.offset) + 1 });
    this.changed.add(key);
  }

  async save(): Promise<void> {
    for (const key of this.changed) {
      const position = this.next.get(key);
      if (!position) continue;
      this.upsert.bindVarchar(1, position.at.topic);
      this.upsert.bindInteger(2, position.at.partition);
      this.upsert.bindBigInt(3, BigInt(position.next));
      await this.upsert.run();
    }
    this.changed.clear();
    this.seen.clear();
  }
}

function keyOf(at: StorePosition): string {
  return `${at.topic}/${at.partition}`;
}
