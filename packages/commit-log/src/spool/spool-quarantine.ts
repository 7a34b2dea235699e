import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Counter } from 'prom-client';
import type { Logger } from '@fieldgate/service';
import { codeOf, reasonOf } from '../embedded/system-error.js';
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
  /** Of these: the disk does not give them back, or the file is too short. What was in them is unknown. */
  readonly unreadableBytes?: number;
  /** undefined when there is no copy: the disk is full, mostly, or nothing of it can be read. */
  readonly quarantineFile: string | undefined;
}

export interface Place {
  readonly from: SpoolPosition;
  /** The `next` of the last record. */
  readonly to: SpoolPosition;
}

interface Copy {
  /** It was there already. */
  readonly isOld: boolean;
  readonly file: string | undefined;
  readonly unreadableBytes: number;
}

/** Keeps copies of what was damaged, and of what the log will never have, for a person to look at: the newest 64 MiB. */
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
  async keep(segment: SpoolSegment, { from, to }: Place): Promise<void> {
    const { isOld, file, unreadableBytes } = await this.copy(segment, { from, to });
    if (isOld) return;
    const bytes = to - from;
    quarantinedRecords.inc();
    quarantinedBytes.inc(bytes);
    const report = {
      file: segment.path,
      from,
      to,
      bytes,
      ...(unreadableBytes > 0 && { unreadableBytes }),
      quarantineFile: file,
    };
    this.logger.error(report, 'damaged records in the spool');
    this.damaged(report);
  }

  /** Of a sound record. undefined when the copy could not be made. */
  async copyOf(segment: SpoolSegment, place: Place): Promise<string | undefined> {
    return (await this.copy(segment, place)).file;
  }

  /** The file itself, as it is; none when it is gone. */
  async take(segment: SpoolSegment): Promise<void> {
    await segment.close();
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o700 });
      await this.makeRoom(await segment.size());
      await rename(segment.path, join(this.directory, `${basename(segment.path)}.whole`));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }

  private async copy(segment: SpoolSegment, { from, to }: Place): Promise<Copy> {
    const name = `${basename(segment.path, '.spool')}-${String(from).padStart(16, '0')}.bin`;
    const file = join(this.directory, name);
    try {
      await mkdir(this.directory, { recursive: true, mode: 0o700 });
      if ((await readdir(this.directory)).includes(name)) return { isOld: true, file, unreadableBytes: 0 };
      const bytes = Math.min(to - from, MAX_BYTES);
      await this.makeRoom(bytes);
      const draft = `${file}.part`; // whole or not at all: what is there has been reported
      const unreadableBytes = await copyBytes(segment, draft, { from, to: from + bytes });
      await rename(draft, file);
      return { isOld: false, file: unreadableBytes < bytes ? file : undefined, unreadableBytes };
    } catch (error) {
      this.logger.warn({ file, reason: reasonOf(error) }, 'damaged records could not be copied');
      return { isOld: false, file: undefined, unreadableBytes: 0 };
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

/** What cannot be read is zero in the copy, which is empty when that is all. Returns how many bytes that are. */
async function copyBytes(segment: SpoolSegment, path: string, { from, to }: Place): Promise<number> {
  const target = await open(path, 'w', OWNER_ONLY);
  try {
    let unreadable = 0;
    const chunk = Buffer.alloc(Math.min(COPY_BYTES, to - from));
    for (let at = from; at < to; at += chunk.length) {
      const part = chunk.subarray(0, to - at);
      unreadable += await segment.readWhatIsThere(part, at);
      await target.writeFile(part);
    }
    if (unreadable === to - from) await target.truncate(0);
    await target.sync();
    return unreadable;
  } finally {
    await target.close();
  }
}
