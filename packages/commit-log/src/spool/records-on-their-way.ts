import type { SpoolPosition } from './disk-spool.js';

export interface OnItsWay {
  readonly at: SpoolPosition;
  /** Ms of the monotonic clock. */
  readonly sentAt: number;
  readonly bytes: number;
  isAnswered: boolean;
}

/** Of one partition, in the order of the spool: sent to the log, and not all of them durable there. */
export class RecordsOnTheirWay {
  private entries: OnItsWay[] = [];
  private head = 0;
  private readonly refused = new Set<SpoolPosition>();
  /** How many are not settled, and their bytes. */
  open = 0;
  openBytes = 0;

  add(at: SpoolPosition, sentAt: number, bytes: number): OnItsWay {
    const entry = { at, sentAt, bytes, isAnswered: false };
    this.entries.push(entry);
    this.open += 1;
    this.openBytes += bytes;
    return entry;
  }

  /** Its dead letter, of another partition, still takes its room, but it holds up nobody. */
  refuse(entry: OnItsWay): void {
    entry.isAnswered = true;
    this.refused.add(entry.at);
  }

  settle(entry: OnItsWay): void {
    entry.isAnswered = true;
    this.refused.delete(entry.at);
    this.open -= 1;
    this.openBytes -= entry.bytes;
  }

  /** The first that has no answer. */
  get first(): OnItsWay | undefined {
    while (this.entries[this.head]?.isAnswered) this.head += 1;
    if (this.head * 2 > this.entries.length) {
      this.entries = this.entries.slice(this.head);
      this.head = 0;
    }
    return this.entries[this.head];
  }

  /** Of those whose dead letters are on their way; Infinity when there are none. */
  get firstRefused(): SpoolPosition {
    return Math.min(...this.refused);
  }
}
