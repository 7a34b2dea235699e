import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@fieldgate/service';
import { reasonOf } from '../embedded/system-error.js';
import { OWNER_ONLY, type OpenFile } from './segment-appender.js';

/** Enough for the lock of the directory and the mark, in blocks of any file system. */
const RESERVE = Buffer.alloc(64 * 1024);
const PROBE_BYTES = 1024 * 1024;

/** Room that is given up at a start, so that a spool that has filled its disk can be opened and drained. */
export class SpoolReserve {
  private readonly path: string;
  private readonly probePath: string;

  constructor(
    directory: string,
    private readonly openFile: OpenFile,
    private readonly logger: Logger,
  ) {
    this.path = join(directory, 'reserve');
    this.probePath = `${this.path}.probe`;
  }

  async giveUp(): Promise<void> {
    await rm(this.path, { force: true });
    await rm(this.probePath, { force: true }); // a kill may have left it
  }

  /** Beside the reserve, which stays. Rejects while the disk does not take as much as a group of records. */
  async probe(): Promise<void> {
    try {
      const file = await this.openFile(this.probePath, 'w', OWNER_ONLY);
      try {
        await file.writeFile(Buffer.alloc(PROBE_BYTES));
        await file.sync();
      } finally {
        await file.close();
      }
    } finally {
      await rm(this.probePath, { force: true });
    }
  }

  async setAside(): Promise<void> {
    try {
      await writeFile(this.path, RESERVE, { flush: true, mode: OWNER_ONLY });
    } catch (error) {
      this.logger.debug({ reason: reasonOf(error) }, 'no room for the reserve'); // the next start finds what there is now
    }
  }
}
