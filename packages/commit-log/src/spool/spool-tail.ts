import type { Logger } from '@fieldgate/service';
import { reasonOf } from '../embedded/system-error.js';
import {
  FrameEncoder,
  frameBound,
  START_FRAME_BYTES,
  type SpooledRecord,
  type SpoolPosition,
} from './record-frame.js';
import { SegmentAppender, type OpenFile } from './segment-appender.js';
import { spoolError } from './spool-errors.js';
import { SpoolSegment } from './spool-segment.js';

export interface SpoolTailOptions {
  readonly directory: string;
  readonly segmentBytes: number;
  readonly openFile: OpenFile;
  readonly logger: Logger;
}

export interface Appended {
  readonly segment: SpoolSegment;
  /** It is the first append to this segment. */
  readonly isFirst: boolean;
  readonly from: SpoolPosition;
  readonly next: SpoolPosition;
}

/** Where records are written: begins segments, and leaves those that can not be trusted any more. */
export class SpoolTail {
  /** While one is under way. */
  appending: Promise<void> | undefined;
  /** Where the next segment begins: behind all that was ever written. */
  nextBase: SpoolPosition = 0;
  private readonly encoder = new FrameEncoder();
  private appender: SegmentAppender | undefined;

  constructor(private readonly options: SpoolTailOptions) {}

  /** `end`: of what counts so far. On disk when it resolves. Throws `spool-unwritable`, and then nothing of it counts. */
  async append(records: readonly SpooledRecord[], end: SpoolPosition): Promise<Appended> {
    if (this.appending !== undefined) throw new Error('one append at a time'); // a mistake of the caller
    const bytes = records.reduce((sum, record) => sum + frameBound(record), START_FRAME_BYTES);
    const appender = this.appenderFor(bytes);
    const isFirst = appender.size === 0;
    const from = appender.segment.base + (isFirst ? START_FRAME_BYTES : appender.size);
    this.appending = this.write(appender, this.encode(records, { bytes, appender, end }));
    try {
      await this.appending;
    } finally {
      this.appending = undefined;
    }
    const { segment, size } = appender;
    const next = segment.base + size;
    segment.grow(next, records);
    this.nextBase = next;
    return { segment, isFirst, from, next };
  }

  /** False when it is written to right now. Else it will not be written to again. */
  leave(segment: SpoolSegment): boolean {
    if (segment !== this.appender?.segment) return true;
    if (this.appending !== undefined) return false;
    this.abandon();
    return true;
  }

  async close(): Promise<void> {
    await Promise.allSettled([this.appending]); // its caller hears of its failure
    const { appender } = this;
    this.appender = undefined;
    await appender?.close();
  }

  private appenderFor(bytes: number): SegmentAppender {
    const { directory, openFile, segmentBytes } = this.options;
    const { appender } = this;
    const hasRoom = appender !== undefined && appender.size + bytes <= segmentBytes;
    if (hasRoom && !appender.segment.isBroken) return appender; // what cannot be read back is written to no more
    this.abandon();
    this.appender = new SegmentAppender(SpoolSegment.create(directory, openFile, this.nextBase), openFile);
    return this.appender;
  }

  private encode(
    records: readonly SpooledRecord[],
    into: { readonly bytes: number; readonly appender: SegmentAppender; readonly end: SpoolPosition },
  ): Buffer {
    const { encoder } = this;
    const { segment, size } = into.appender;
    encoder.begin(into.bytes, { position: segment.base + size, salt: segment.salt });
    if (size === 0) encoder.addStart({ base: segment.base, previousEnd: into.end });
    for (const record of records) encoder.addRecord(record);
    return encoder.finished();
  }

  private async write(appender: SegmentAppender, frames: Buffer): Promise<void> {
    try {
      await appender.append(frames);
    } catch (error) {
      if (!appender.isSound) {
        this.nextBase = appender.segment.base + appender.size + frames.length; // these positions may be on the disk
        this.abandon();
      }
      throw spoolError('spool-unwritable', this.options.directory, error);
    }
  }

  /** What counts in the file was flushed: closing it can lose nothing. */
  private abandon(): void {
    const { appender } = this;
    this.appender = undefined;
    appender?.close().catch((error: unknown) => {
      this.options.logger.warn(
        { file: appender.segment.path, reason: reasonOf(error) },
        'a file of the spool could not be closed',
      );
    });
  }
}
