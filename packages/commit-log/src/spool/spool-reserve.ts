import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@fieldgate/service';
import { reasonOf } from '../embedded/system-error.js';
import { OWNER_ONLY } from './segment-appender.js';

/** Enough for the lock of the directory and the mark, in blocks of any file system. */
const RESERVE = Buffer.alloc(64 * 1024);

/** Room that is given up at a start, so that a spool that has filled its disk can be opened and drained. */
export class SpoolReserve {
  private readonly path: string;

  constructor(
    directory: string,
    private readonly logger: Logger,
  ) {
    this.path = join(directory, 'reserve');
  }

  async giveUp(): Promise<void> {
    await rm(this.path, { force: true });
  }

  /** Rejects while the disk takes nothing. */
  async renew(): Promise<void> {
    await writeFile(this.path, RESERVE, { flush: true, mode: OWNER_ONLY });
  }

  async setAside(): Promise<void> {
    try {
      await this.renew();
    } catch (error) {
      this.logger.debug({ reason: reasonOf(error) }, 'no room for the reserve'); // the next start finds what there is now
    }
  }
}
