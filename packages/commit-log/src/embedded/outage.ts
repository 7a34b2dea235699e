import type { FieldgateError } from '@fieldgate/contracts';
import { backOffMs, pause, type Logger } from '@fieldgate/service';
import type { BlockStore } from './block-store.js';
import { MDB_PANIC } from './lmdb-errors.js';
import { codeOf } from './system-error.js';

/** As much as a good group of records: a disk with a page or two left is not well again. */
const PROBE = Buffer.alloc(256 * 1024);

/** From the first commit that failed (a full disk, mostly) until one has succeeded again; tries that by itself, with back-off. */
export class Outage {
  /** While it lasts, what every append is answered. */
  error: FieldgateError | undefined;
  private readonly stopping = new AbortController();
  private recovery: Promise<void> | undefined;

  constructor(
    private readonly store: BlockStore,
    private readonly logger: Logger,
  ) {}

  begin(error: FieldgateError): void {
    if (this.error !== undefined || this.stopping.signal.aborted) return;
    this.error = error;
    this.logger.error({ code: error.code, reason: error.message }, 'the log cannot be written');
    this.recovery = this.recover();
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.recovery;
  }

  private async recover(): Promise<void> {
    const { signal } = this.stopping;
    for (let attempt = 0; this.error !== undefined; attempt += 1) {
      await pause(backOffMs(attempt), signal);
      if (signal.aborted) return;
      this.error = await this.probe();
    }
    this.logger.info('the log can be written again');
  }

  private async probe(): Promise<FieldgateError | undefined> {
    try {
      if (codeOf(this.error?.cause) === MDB_PANIC) {
        await this.store.close();
        this.store.open();
      }
      await this.store.commit({ facts: [['probe', PROBE]] });
      return undefined;
    } catch (error) {
      return error as FieldgateError; // the store throws nothing else
    }
  }
}
