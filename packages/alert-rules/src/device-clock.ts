import type { Arrived } from './judges/held-readings.js';

/** So long must all of a device's records be late, until its clock counts as set back. */
const SET_BACK_AFTER_MS = 120_000;
const SET_BACK_RECORDS = 3;
/** How much faster or slower than ours their times may go on; where there are only two, of conditions mostly, they must say it clearly. */
const PACE = 2;
const PACE_OF_TWO = 1.1;

/** The clock of one device as its records show it. Epoch ms; `receivedMs` and the arrival clock are of the gateway. */
export class DeviceClock {
  private newest: { timeMs: number; receivedMs: number } | undefined;
  /** Records in a row that are older than the newest by more than the lateness. */
  private behind: { timeMs: number; receivedMs: number; records: number } | undefined;

  get hasHeard(): boolean {
    return this.newest !== undefined;
  }

  /** When the first of the records in a row arrived that are older than the newest; Infinity: the last one was not. */
  get behindSinceMs(): number {
    return this.behind?.receivedMs ?? Infinity;
  }

  /**
   * The newest time, and what has passed on the arrival clock since then: a clock that is wrong and steady does no harm. -Infinity: nothing
   * was heard of it.
   */
  at(arrivalMs: number): number {
    const { newest } = this;
    return newest ? newest.timeMs + Math.max(0, arrivalMs - newest.receivedMs) : -Infinity;
  }

  /** When on the arrival clock its own will show this time. */
  arrivalOf(timeMs: number): number {
    return this.newest ? timeMs - this.newest.timeMs + this.newest.receivedMs : Infinity;
  }

  /** By how much it has been set back, if that is what this record shows; else 0. */
  take({ timeMs, receivedMs }: Arrived, latenessMs: number): number {
    const { newest } = this;
    if (!newest) {
      this.newest = { timeMs, receivedMs };
      return 0;
    }
    if (timeMs < newest.timeMs - latenessMs)
      return this.isSetBack(timeMs, receivedMs) ? this.setBack(timeMs, receivedMs) : 0;
    this.behind = undefined;
    if (timeMs > newest.timeMs || (timeMs === newest.timeMs && receivedMs > newest.receivedMs)) {
      newest.timeMs = timeMs;
      newest.receivedMs = receivedMs;
    }
    return 0;
  }

  /** A clock ticks: what a device has stored comes late too, but faster or in another order. */
  private isSetBack(timeMs: number, receivedMs: number): boolean {
    const behind = (this.behind ??= { timeMs, receivedMs, records: 0 });
    behind.records += 1;
    const passedMs = receivedMs - behind.receivedMs;
    if (passedMs < SET_BACK_AFTER_MS) return false;
    const tickedMs = timeMs - behind.timeMs;
    const isOfTwo = behind.records < SET_BACK_RECORDS;
    const pace = isOfTwo ? PACE_OF_TWO : PACE;
    if (tickedMs >= passedMs / pace && tickedMs <= passedMs * pace) return true;
    if (isOfTwo) return false;
    this.behind = { timeMs, receivedMs, records: 1 };
    return false;
  }

  private setBack(timeMs: number, receivedMs: number): number {
    const byMs = (this.newest?.timeMs ?? timeMs) - timeMs;
    this.newest = { timeMs, receivedMs };
    this.behind = undefined;
    return byMs;
  }

  memory(): ClockMemory {
    const { newest, behind } = this;
    return {
      ...(newest ? { newest: [newest.timeMs, newest.receivedMs] } : {}),
      ...(behind ? { behind: [behind.timeMs, behind.receivedMs, behind.records] } : {}),
    };
  }

  restore({ newest, behind }: ClockMemory): void {
    this.newest = newest && { timeMs: newest[0], receivedMs: newest[1] };
    this.behind = behind && { timeMs: behind[0], receivedMs: behind[1], records: behind[2] };
  }
}

export interface ClockMemory {
  readonly newest?: readonly [timeMs: number, receivedMs: number] | undefined;
  readonly behind?: readonly [timeMs: number, receivedMs: number, records: number] | undefined;
}
