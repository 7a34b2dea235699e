import { MAX_LEDGER_GAPS, missingSeq, type SequenceGap, type SequenceLedger } from '@fieldgate/contracts';

/** Of a device without a clock: one that falls back by more has begun to count anew, one that falls back by less sends something again. */
const SENT_AGAIN = 256;

/**
 * The numbers of one device. A number that is left out opens a gap, a late one makes it smaller. When a number falls back although the
 * device's time goes on, the device has begun to count anew, and what is missing of before stays missing.
 */
export function countSeq(
  sequence: SequenceLedger,
  { seq, timeMs, receivedMs }: { readonly seq: number; readonly timeMs: number; readonly receivedMs: number },
): void {
  const { run } = sequence;
  if (run === undefined) {
    sequence.run = { first: seq, last: seq, lastTimeMs: timeMs };
  } else if (seq > run.last) {
    if (seq > run.last + 1) open(sequence, { from: run.last + 1, to: seq - 1 });
    run.last = seq;
    run.lastTimeMs = Math.max(run.lastTimeMs, timeMs);
  } else if (timeMs === receivedMs ? run.last - seq > SENT_AGAIN : timeMs > run.lastTimeMs) {
    begin(sequence, seq, timeMs);
  } else if (seq < run.first) {
    if (seq < run.first - 1) open(sequence, { from: seq + 1, to: run.first - 1 });
    run.first = seq;
  } else {
    fill(sequence.gaps, seq);
  }
}

function begin(sequence: SequenceLedger, seq: number, timeMs: number): void {
  sequence.restarts += 1;
  sequence.closed = bounded(sequence, [...sequence.closed, ...sequence.gaps]);
  sequence.gaps = [];
  sequence.run = { first: seq, last: seq, lastTimeMs: timeMs };
}

function open(sequence: SequenceLedger, gap: SequenceGap): void {
  const { gaps } = sequence;
  const behind = gaps.findIndex(({ from }) => from > gap.from);
  if (behind === -1) gaps.push(gap);
  else gaps.splice(behind, 0, gap);
  sequence.gaps = bounded(sequence, gaps);
}

/** The oldest are no longer listed. */
function bounded(sequence: SequenceLedger, gaps: SequenceGap[]): SequenceGap[] {
  const tooMany = gaps.length - MAX_LEDGER_GAPS;
  if (tooMany <= 0) return gaps;
  const { unlisted } = sequence;
  sequence.unlisted = missingSeq({ gaps: gaps.slice(0, tooMany), closed: [], unlisted });
  return gaps.slice(tooMany);
}

function fill(gaps: SequenceGap[], seq: number): void {
  const at = gaps.findIndex(({ from, to }) => from <= seq && seq <= to);
  const gap = gaps[at];
  if (gap === undefined) return; // seen before
  const left: SequenceGap[] = [];
  if (gap.from < seq) left.push({ from: gap.from, to: seq - 1 });
  if (seq < gap.to) left.push({ from: seq + 1, to: gap.to });
  gaps.splice(at, 1, ...left);
}
