import type { Connection } from '@fieldgate/mqtt-edge';
import { counts } from '../gateway.metrics.js';

/** Seconds in a row in which a device was too fast; then it is not just in a hurry. */
const PATIENCE = 60;
/** Seconds for which one large message is paid: a device that is not read for long takes its connection for dead. */
const MOST_DEBT = 10;

/**
 * How many records, SUBSCRIBEs and UNSUBSCRIBEs a device may send per second. One message more, and it is not read until the second is over: TCP makes it
 * wait, and nothing is lost. That one is taken: it alone tells a device that is too fast from one that sends just as many as it may. An array is
 * taken whole, and what it has too many is taken from the seconds that follow. One comparison a message; the rest is done by the tick.
 */
export class RateLimit {
  private left: number;
  private isHeld = false;
  private isForgiven = false;
  private secondsTooFast = 0;

  /** `perSecond`: Infinity for no limit. */
  constructor(
    private readonly perSecond: number,
    private readonly mqtt: Pick<Connection, 'hold' | 'release'>,
    private readonly tell: {
      /** It is not read for the rest of this second. */
      held(): void;
      /** It was so for a minute, and is to be closed. */
      tooFast(): void;
    },
  ) {
    this.left = perSecond;
  }

  /** One more has come. True: it is the one too many. */
  count(): boolean {
    if (this.left > 0) {
      this.left -= 1;
      return false;
    }
    if (this.isHeld) return false;
    this.isHeld = true;
    this.mqtt.hold();
    this.tell.held();
    return true;
  }

  /** The message that was counted holds so many records more. */
  countMore(records: number): void {
    this.left = Math.max(this.left - records, -MOST_DEBT * this.perSecond);
  }

  /** What was one too many is old: a device that has been away tells what it has gathered. It has to wait, and is not closed for it. */
  forgive(): void {
    this.isForgiven = true;
  }

  /** To be called once a second. */
  tick(): void {
    this.left = Math.min(this.left + this.perSecond, this.perSecond);
    if (!this.isHeld) {
      this.secondsTooFast = 0;
      return;
    }
    counts.throttledSeconds += 1;
    this.secondsTooFast = this.isForgiven ? 0 : this.secondsTooFast + 1;
    if (this.secondsTooFast >= PATIENCE) return this.tell.tooFast();
    if (this.left <= 0) return;
    this.isForgiven = false;
    this.isHeld = false;
    this.mqtt.release();
  }
}
