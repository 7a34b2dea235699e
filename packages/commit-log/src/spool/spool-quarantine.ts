import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Counter } from 'prom-client';
import type { Logger } from '@fieldgate/service';
import { reasonOf } from '../embedded/system-error.js';
import type { Stretch } from './frame-cursor.js';
import type { SpoolPosition } from './record-frame.js';
import { OWNER_ONLY } from './segment-appender.js';
import type { SpoolSegment } from './spool-segment.js';

const quarantinedRecords = new Counter({
  name: 'fieldgate_spool_quarantined_records_total',
  help: 'Damaged stretches of the spool, each mostly one record, that could not be sent to the log',
});
const quarantinedBytes = new Counter({
  name: 'fieldgate_spool_quarantined_bytes_total',
  help: 'Bytes of the spool that were damaged and could not be sent to the log',
});

const MAX_BYTES = 64 * 1024 * 1024;
const COPY_BYTES = 1024 * 1024;

export interface DamageReport {
  /** The segment. */
  readonly file: string;
  readonly from: SpoolPosition;
  readonly to: SpoolPosition;
  readonly bytes: number;
  /** undefined when the copy could not be made: the disk is full, mostly. */
  readonly quarantineFile: string | undefined;
}

/** Keeps copies of what was damaged, for a person to look at: the newest 64 MiB. */
export class SpoolQuarantine {
  private readonly directory: string;

  constructor(
    spoolDirectory: string,
    private readonly logger: Logger,
    private readonly damaged: (report: DamageReport) => void,
  ) {
    this.directory = join(spoolDirectory, 'quarantine');
  }

  /** Reports each stretch once, also when the process starts again before it is released: then its copy is there. */
  async keep(segment: SpoolSegment, { from, to }: Stretch): Promise<void> {
    const bytes = to - from;
    const copy = join(
      this.directory,
      `${basename(segment.path, '.spool')}-${String(from).padStart(16, '0')}.bin`,
    );
    const result = await this.copy(segment, { from, bytes: Math.min(bytes, MAX_BYTES), copy });
    if (result === 'there') return;
    const quarantineFile = result === 'copied' ? copy : undefined;
    quarantinedRecords.inc();
    quarantinedBytes.inc(bytes);
    const report = { file: segment.path, from, to, bytes, quarantineFile };
    this.logger.error(report, 'damaged records in the spool');
    this.damaged(report);
  }

  private async copy(
    segment: SpoolSegment,
    { from, bytes, copy }: { from: SpoolPosition; bytes: number; copy: string },
  ): Promise<'copied' | 'there' | 'failed'> {
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o700 });
      if ((await readdir(this.directory)).includes(basename(copy))) return 'there';
      await this.makeRoom(bytes);
      const draft = `${copy}.part`; // whole or not at all: what is there has been reported
      await copyBytes(await segment.file(), draft, { from: from - segment.base, bytes });
      await rename(draft, copy);
      return 'copied';
    } catch (error) {
      this.logger.warn({ file: copy, reason: reasonOf(error) }, 'damaged records could not be copied');
      return 'failed';
    }
  }

  private async makeRoom(bytes: number): Promise<void> {
    const files = await Promise.all(
      (await readdir(this.directory)).map(async (name) => {
        const path = join(this.directory, name);
        const { size, mtimeMs } = await stat(path);
        return { path, size, mtimeMs };
      }),
    );
    files.sort((a, b) => a.mtimeMs - b.mtimeMs || (a.path < b.path ? -1 : 1));
    let total = files.reduce((sum, { size }) => sum + size, bytes);
    for (const { path, size } of files) {
      if (total <= MAX_BYTES) return;
      await rm(path, { force: true });
      total -= size;
    }
  }
}

async function copyBytes(
  source: FileHandle,
  path: string,
  { from, bytes }: { from: number; bytes: number },
): Promise<void> {
  const target = await open(path, 'w', OWNER_ONLY);
  try {
    const chunk = Buffer.alloc(Math.min(COPY_BYTES, bytes));
    for (let copied = 0; copied < bytes;) {
      const { bytesRead } = await source.read(
        chunk,
        0,
        Math.min(chunk.length, bytes - copied),
        from + copied,
      );
      if (bytesRead === 0) break;
      await target.write(chunk, 0, bytesRead);
      copied += bytesRead;
    }
    await target.sync();
  } finally {
    await target.close();
  }
}
