import type { SpoolPosition } from './disk-spool.js';

export interface OnItsWay {
  readonly at: SpoolPosition;
  /** Ms of the monotonic clock. */
  readonly sentAt: number;
  readonly bytes: number;
  isSettled: boolean;
}

/** Of one partition, in the order of the spool: sent to the log, and not all of them durable there. */
export class RecordsOnTheirWay {
  private entries: OnItsWay[] = [];
  private head = 0;
  /** How many are not settled, and their bytes. */
  open = 0;
  openBytes = 0;

  add(at: SpoolPosition, sentAt: number, bytes: number): OnItsWay {
    const entry = { at, sentAt, bytes, isSettled: false };
    this.entries.push(entry);
    this.open += 1;
    this.openBytes += bytes;
    return entry;
  }

  settle(entry: OnItsWay): void {
    entry.isSettled = true;
    this.open -= 1;
    this.openBytes -= entry.bytes;
  }

  /** The first that is not settled. */
  get first(): OnItsWay | undefined {
    while (this.entries[this.head]?.isSettled) this.head += 1;
    if (this.head * 2 > this.entries.length) {
      this.entries = this.entries.slice(this.head);
      this.head = 0;
    }
    return this.entries[this.head];
  }
}
