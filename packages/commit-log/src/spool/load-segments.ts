import { readdir, truncate } from 'node:fs/promises';
import { backOffMs, pause, type Logger } from '@fieldgate/service';
import type { Stretch } from './frame-cursor.js';
import type { SegmentStart, SpoolPosition } from './record-frame.js';
import type { OpenFile } from './segment-appender.js';
import { saysBytesAreLost } from './segment-bytes.js';
import { SpoolSegment } from './spool-segment.js';

export interface LoadedSegments {
  /** Oldest first; none that is released or holds nothing. */
  readonly segments: SpoolSegment[];
  readonly damage: readonly { readonly segment: SpoolSegment; readonly stretch: Stretch }[];
  /** Behind every byte that was found. */
  readonly nextBase: SpoolPosition;
}

interface Found {
  readonly segment: SpoolSegment;
  /** Behind the file. */
  readonly fileEnd: SpoolPosition;
  /** Behind what counts. */
  readonly to: SpoolPosition;
  readonly isNewest: boolean;
  /** Of what counted when it was begun. */
  readonly previousEnd: SpoolPosition;
}

/** What a directory holds behind a position, checked whole. */
export async function loadSegments(
  directory: string,
  {
    released,
    openFile,
    logger,
  }: { readonly released: SpoolPosition; readonly openFile: OpenFile; readonly logger: Logger },
): Promise<LoadedSegments> {
  const found = await findSegments(directory, openFile);
  const segments: SpoolSegment[] = [];
  const damage: { segment: SpoolSegment; stretch: Stretch }[] = missingBetween(found, released);
  for (const { segment, to, isNewest } of found) {
    const stretches =
      to > released ? await load(segment, { from: Math.max(segment.base, released), to }) : [];
    if (isNewest) await cutTornTail(segment, stretches, logger);
    if (segment.end <= Math.max(released, segment.base)) {
      await segment.remove();
      continue;
    }
    segments.push(segment);
    for (const stretch of stretches) {
      segment.noteDamage(stretch);
      damage.push({ segment, stretch });
    }
    await segment.close();
  }
  return { segments, damage, nextBase: Math.max(0, ...found.map(({ fileEnd }) => fileEnd)) };
}

/** Newest first it asks each segment what counts before it: a failed append may have left more. */
async function findSegments(directory: string, openFile: OpenFile): Promise<Found[]> {
  const segments = (await readdir(directory))
    .map((name) => SpoolSegment.named(directory, openFile, name))
    .filter((segment) => segment !== undefined)
    .sort((a, b) => b.base - a.base);
  const found: Found[] = [];
  let counts = Infinity;
  for (const segment of segments) {
    const start = await startOf(segment);
    if (start?.isKnownVersion === false)
      throw new Error(`${segment.path} was written by a newer version of Fieldgate`);
    const fileEnd = segment.base + (await segment.size());
    const to = Math.max(segment.base, Math.min(fileEnd, counts));
    const isNewest = found.every((newer) => newer.to === newer.segment.base);
    found.push({ segment, fileEnd, to, isNewest, previousEnd: start?.previousEnd ?? 0 });
    counts = Math.min(counts, start?.previousEnd ?? Infinity);
  }
  return found.reverse();
}

/** What counted when a segment was begun, and is not there: files go from the spool oldest first, and never in part. */
function missingBetween(
  found: readonly Found[],
  released: SpoolPosition,
): { segment: SpoolSegment; stretch: Stretch }[] {
  return found.slice(1).flatMap(({ previousEnd }, index) => {
    const older = found[index];
    if (older === undefined) return [];
    const from = Math.max(older.fileEnd, released);
    return from < previousEnd
      ? [{ segment: older.segment, stretch: { from, to: previousEnd, isTorn: false } }]
      : [];
  });
}

function load(
  segment: SpoolSegment,
  range: { readonly from: SpoolPosition; readonly to: SpoolPosition },
): Promise<Stretch[]> {
  return patiently(segment, range.from, () => segment.load(range));
}

/** Closed again at once: there may be more segments than descriptors. */
async function startOf(segment: SpoolSegment): Promise<SegmentStart | undefined> {
  try {
    return await patiently(segment, segment.base, () => segment.start());
  } finally {
    await segment.close();
  }
}

/** A disk that does not give its bytes back is asked again for a while; what it does not give then is damaged. */
async function patiently<T>(segment: SpoolSegment, from: SpoolPosition, read: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await read();
    } catch (error) {
      if (!saysBytesAreLost(error) || segment.isBroken) throw error; // not even a file is there: where it ends is not known
      segment.noteFailedRead(from, error);
      if (!segment.isBroken) await pause(backOffMs(failures));
    }
  }
}

/** What the last write has left when it was torn was never acknowledged. A last record that is whole but damaged is no torn write. */
async function cutTornTail(segment: SpoolSegment, stretches: Stretch[], logger: Logger): Promise<void> {
  const fileEnd = segment.end;
  for (let last = stretches.at(-1); last?.isTorn && last.to === segment.end; last = stretches.at(-1)) {
    segment.end = last.from;
    stretches.pop();
  }
  if (segment.end === fileEnd) return;
  logger.warn(
    { file: segment.path, at: segment.end, bytes: fileEnd - segment.end },
    'torn tail of the spool is cut off',
  );
  await truncate(segment.path, segment.end - segment.base);
}
