import {
  verifyPartition,
  type PartitionToVerify,
  type Suspect,
  type VerifySources,
  type VerifyPosition,
} from './verify-partition.js';
import { siftSuspects, type Sifted } from './verify-suspects.js';

/** A part of a partition that is counted when it is known of each of its records what became of it. */
export interface Stretch {
  /** Where it is looked at again, and what is behind it. */
  readonly start: VerifyPosition;
  readonly next: VerifyPosition;
  readonly stored: number;
  readonly pending: number;
  readonly sifting: AsyncGenerator<undefined, Sifted, undefined>;
}

/** Kept until it is known what they are, a few hundred bytes each. */
const SUSPECTS = 5_000;

/** A partition in the order of the log; a stretch ends when it has many suspects, when time is short, and at the end. */
export async function* stretchesOf(
  sources: VerifySources,
  part: PartitionToVerify,
  isShort: () => boolean,
): AsyncIterable<Stretch> {
  const { topic, bounds } = part;
  const nothing = { stored: 0, pending: 0 };
  let start: VerifyPosition = { topic, partition: bounds.partition, offset: bounds.earliest };
  let next = start;
  let counts = nothing;
  let suspects: Suspect[] = [];
  const stretch = (): Stretch => ({ start, next, ...counts, sifting: siftSuspects(sources, suspects) });
  for await (const checked of verifyPartition(sources, part)) {
    counts = { stored: counts.stored + checked.stored, pending: counts.pending + checked.pending };
    suspects = suspects.concat(checked.suspects);
    next = checked.next;
    if (suspects.length < SUSPECTS && !isShort()) continue;
    yield stretch();
    start = next;
    counts = nothing;
    suspects = [];
  }
  if (next.offset > start.offset) yield stretch();
}

/** Undefined when there was not time enough: then it goes on where it was. */
export async function sifted({ sifting }: Stretch, isOver: () => boolean): Promise<Sifted | undefined> {
  for (;;) {
    const step = await sifting.next();
    if (step.done === true) return step.value;
    if (isOver()) return undefined;
  }
}
