import type { Clock, Logger } from '@fieldgate/service';
import type { CommitLog } from '../commit-log.js';
import { reportExpired } from '../expired-records.js';
import { LocalReader } from '../in-process/local-reader.js';
import type { LogWriter } from '../log-writer.js';
import { BlockStore } from './block-store.js';
import { DirectoryLock } from './directory-lock.js';
import { EmbeddedOffsets } from './embedded-offsets.js';
import { EmbeddedPartitions } from './embedded-partitions.js';
import { EmbeddedWriter } from './embedded-writer.js';
import { noteFirstCommit } from './first-commit.js';
import { Housekeeping } from './housekeeping.js';
import { Outage } from './outage.js';

const DEFAULT_MAX_BYTES = 8 * 1024 ** 3;
const HOUSEKEEPING_MS = 10_000;
const GRACE_MS = 10_000;

export interface EmbeddedLogOptions {
  /** Of this log alone; created when it is missing. */
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** When more is kept, the oldest records of topics that are not compacted go. 8 GiB. */
  readonly maxBytes?: number;
  readonly housekeepingMs?: number;
}

/** The log of one machine: LMDB in one directory, one partition per topic, one process. */
export function createEmbeddedLog(options: EmbeddedLogOptions): CommitLog {
  return new EmbeddedLog(options);
}

class EmbeddedLog implements CommitLog {
  readonly writer: EmbeddedWriter;
  readonly reader: LocalReader;
  private readonly lock: DirectoryLock;
  private readonly store: BlockStore;
  private readonly offsets: EmbeddedOffsets;
  private readonly partitions: EmbeddedPartitions;
  private readonly outage: Outage;
  private readonly housekeeping: Housekeeping;
  private opening: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  constructor(options: EmbeddedLogOptions) {
    const { directory, clock, logger } = options;
    this.lock = new DirectoryLock(directory);
    this.store = new BlockStore(directory);
    this.outage = new Outage(this.store, logger);
    this.offsets = new EmbeddedOffsets(this.store, this.outage);
    this.partitions = new EmbeddedPartitions(this.store, this.offsets);
    const { store, offsets, partitions, outage } = this;
    this.writer = new EmbeddedWriter({ store, offsets, partitions, outage, clock });
    this.reader = new LocalReader(partitions, (range) => reportExpired(logger, range));
    this.housekeeping = new Housekeeping(
      { store, partitions, clock, logger },
      {
        maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES,
        intervalMs: options.housekeepingMs ?? HOUSEKEEPING_MS,
      },
    );
  }

  start(): Promise<void> {
    this.opening ??= this.open();
    return this.opening;
  }

  stop(graceMs: number = GRACE_MS): Promise<void> {
    this.closing ??= this.close(graceMs);
    return this.closing;
  }

  problem(): string | undefined {
    return this.outage.error?.message;
  }

  /** The log is this disk: no other would be more patient. */
  get ingest(): LogWriter {
    return this.writer;
  }

  spool(): undefined {
    return undefined;
  }

  private async open(): Promise<void> {
    await this.lock.take();
    try {
      this.store.open();
      this.partitions.load();
      await noteFirstCommit(this.store);
    } catch (error) {
      await this.store.close();
      await this.lock.release();
      throw error;
    }
    this.writer.open();
    this.housekeeping.start();
  }

  /** Consumers first: what they still append with the batch in hand must settle too. */
  private async close(graceMs: number): Promise<void> {
    await within(graceMs, this.reader.stop());
    await this.writer.close(graceMs);
    await this.offsets.flush();
    await this.housekeeping.stop();
    await this.outage.stop();
    await this.store.close();
    await this.lock.release();
  }
}

/** A handler that never ends must not keep the process from ending. */
async function within(graceMs: number, task: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const grace = new Promise<void>((resolve) => (timer = setTimeout(resolve, graceMs)));
  await Promise.race([task, grace]);
  clearTimeout(timer);
}
