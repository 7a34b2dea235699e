import type { open, FileHandle } from 'node:fs/promises';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SpoolSegment } from './spool-segment.js';

export type OpenFile = typeof open;

/** What devices say is nobody else's business. */
export const OWNER_ONLY = 0o600;

/** Writes one segment's file, from its creation on. */
export class SegmentAppender {
  /** Bytes that are on disk and count. */
  size = 0;
  /** False: what lies behind `size` is not known, and nothing may be written to this file again. */
  isSound = true;
  private file: FileHandle | undefined;

  constructor(
    readonly segment: SpoolSegment,
    private readonly openFile: OpenFile,
  ) {}

  /** On disk when it resolves. When it rejects, nothing of it counts. */
  async append(frames: Buffer): Promise<void> {
    try {
      this.file ??= await this.openFile(this.segment.path, 'wx', OWNER_ONLY);
      await writeWhole(this.file, frames, this.size);
    } catch (error) {
      await this.cutBack();
      throw error;
    }
    try {
      await this.file.datasync();
      if (this.size === 0) await syncDirectory(dirname(this.segment.path), this.openFile);
    } catch (error) {
      // the system may have dropped the pages and call them clean: a second flush that succeeds would mean nothing
      this.isSound = false;
      await this.cutBack();
      throw error;
    }
    this.size += frames.length;
  }

  async close(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    await file?.close();
  }

  /** What the failed append has left is void in any case: the start of the next segment says so. */
  private async cutBack(): Promise<void> {
    try {
      if (this.size > 0) return await this.file?.truncate(this.size);
      this.isSound = false;
      await rm(this.segment.path, { force: true });
    } catch {
      this.isSound = false; // the append's own error is the one to tell
    }
  }
}

async function writeWhole(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, at + written);
    written += bytesWritten;
  }
}

/** A new name is on disk only when its directory is. */
export async function syncDirectory(directory: string, openFile: OpenFile): Promise<void> {
  const handle = await openFile(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
