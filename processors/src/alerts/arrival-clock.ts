import type { PartitionWatch } from './partition-watch.js';

/** What the timer knows: the monotonic time, and the end of the topic with the wall time at which it was asked for. */
export interface Tick {
  readonly monotonicMs: number;
  readonly end: { readonly offset: number; readonly askedAtMs: number };
}

/** Records of so long ago may still be on their way into the log. */
const SLACK_MS = 1_000;

/**
 * Time where nothing arrives. Records move the clock of their partition by their arrival; this moves it on at the end of the topic, so that
 * silence is noticed. After a start, a rebalance or an outage nobody can have been heard: then only records that came before it move
 * the clock, until the end has been reached and devices have had `settleMs` to come back.
 */
export class ArrivalClock {
  private phase:
    | { readonly kind: 'behind' }
    | { readonly kind: 'settling'; readonly sinceMs: number }
    | { readonly kind: 'on' } = {
    kind: 'behind',
  };

  constructor(
    private readonly partition: PartitionWatch,
    private readonly settleMs: number,
    /** Whatever arrived until then does move it. */
    untilMs: number,
  ) {
    partition.limitClock(untilMs);
  }

  /** The log was away from then on, or this process was. */
  interrupted(atMs: number): void {
    if (this.phase.kind === 'on') this.partition.limitClock(atMs);
    this.phase = { kind: 'behind' };
  }

  /** Between two batches; `partition.tell` has nothing left to do. */
  async tick({ monotonicMs, end }: Tick): Promise<void> {
    const { partition } = this;
    const atEnd = partition.nextOffset >= end.offset;
    if (this.phase.kind === 'behind' && atEnd) this.phase = { kind: 'settling', sinceMs: monotonicMs };
    if (this.phase.kind === 'settling' && monotonicMs - this.phase.sinceMs >= this.settleMs) {
      partition.limitClock(undefined);
      await partition.tell();
      this.phase = { kind: 'on' };
    }
    if (this.phase.kind !== 'on' || !atEnd) return;
    partition.passTo(end.askedAtMs - SLACK_MS);
    await partition.tell();
  }
}
