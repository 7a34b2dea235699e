import { FieldgateError } from '@fieldgate/contracts';
import { messageOf } from '../message-of.js';
import type { StoreRecord, WriteOutcome } from '../telemetry-store.js';
import { BatchWriter } from './batch-writer.js';
import { damaged, openDatabase, type Database, type DatabaseOptions } from './open-database.js';
import { ReadConnections, unavailable } from './read-connections.js';
import { SeriesIndex, type DeviceSeries } from './series-index.js';
import { WriteQueue } from './write-queue.js';

/** Records in one transaction, as long as more than one batch is waiting. */
const GROUP_RECORDS = 5_000;
const SMALL_GROUP = 100;
/** A flush takes a millisecond of the event loop however few rows it has: with 25 ms, 500 messages/s cost a quarter more CPU. */
const GATHER_MS = 100;
const HELD_SERIES = 50_000;

export interface FileOptions extends DatabaseOptions {
  /** Series whose number and newest reading stay in memory, about 200 bytes each; 50,000 unless told. */
  readonly heldSeries?: number;
  /** How long small batches wait for company; 25 ms unless told. */
  readonly gatherMs?: number;
}

/** The file while it is open: one writer, a few readers, and how to go on after a failure. */
export class OpenFile {
  private readonly index: SeriesIndex;
  private readonly queue: WriteQueue<readonly StoreRecord[], WriteOutcome>;
  private writer: BatchWriter | undefined;
  /** Why the last write failed. */
  problem: string | undefined;

  private constructor(
    private readonly options: FileOptions,
    private database: Database,
    public reads: ReadConnections,
  ) {
    this.index = new SeriesIndex(options.heldSeries ?? HELD_SERIES);
    this.queue = new WriteQueue((batches) => this.commit(batches), {
      sizeOf: (batch) => batch.length,
      most: GROUP_RECORDS,
      small: SMALL_GROUP,
      gatherMs: options.gatherMs ?? GATHER_MS,
    });
  }

  static async open(options: FileOptions): Promise<OpenFile> {
    const database = await openDatabase(options);
    try {
      const file = new OpenFile(options, database, await ReadConnections.open(database.instance));
      file.writer = await BatchWriter.open(database.instance, file.index);
      return file;
    } catch (error) {
      database.close();
      throw damaged(options, error);
    }
  }

  write(batch: readonly StoreRecord[]): Promise<WriteOutcome> {
    return this.queue.write(batch);
  }

  /** Runs between two transactions, on the writer's connection. */
  async between(task: (writer: BatchWriter) => Promise<void>): Promise<void> {
    await this.queue.exclusive(async () => {
      await task(await this.workingWriter());
      this.index.forgetLatest();
    });
  }

  /** The series of a device, loaded by the writer: it alone knows of those that are being created. */
  async seriesOf(deviceId: string): Promise<DeviceSeries> {
    const held = this.index.get(deviceId);
    if (held) return held;
    return this.queue.exclusive(async () => {
      try {
        const { connection } = await this.workingWriter();
        await this.index.load(connection, new Set([deviceId]));
      } catch (cause) {
        throw unavailable(cause);
      }
      return this.index.get(deviceId) ?? { numbers: new Map(), flags: new Map(), texts: new Map() };
    });
  }

  /** After the writes and queries in hand. */
  async close(): Promise<void> {
    await this.queue.close();
    await this.reads.close();
    this.writer?.close();
    this.database.close();
  }

  private async commit(batches: readonly (readonly StoreRecord[])[]): Promise<readonly WriteOutcome[]> {
    let writer: BatchWriter | undefined;
    try {
      writer = await this.workingWriter();
      const outcomes = await writer.write(batches);
      this.problem = undefined;
      return outcomes;
    } catch (cause) {
      this.writer = undefined; // what it had prepared is void; the next write starts with what the file holds
      writer?.abandon();
      this.problem = `the telemetry store cannot write: ${messageOf(cause)}`;
      throw new FieldgateError('store-unavailable', this.problem, { cause });
    }
  }

  private async workingWriter(): Promise<BatchWriter> {
    this.writer ??= await this.newWriter();
    return this.writer;
  }

  /** DuckDB refuses every statement after some failures (a full disk); then only opening the file again helps. */
  private async newWriter(): Promise<BatchWriter> {
    try {
      return await BatchWriter.open(this.database.instance, this.index);
    } catch {
      await this.reads.close();
      this.database.close();
      this.database = await openDatabase(this.options);
      this.reads = await ReadConnections.open(this.database.instance);
      return BatchWriter.open(this.database.instance, this.index);
    }
  }
}
