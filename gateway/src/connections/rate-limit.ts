import type { Connection } from '@fieldgate/mqtt-edge';
import { counts } from '../gateway.metrics.js';

/** Seconds in a row in which a device was too fast; then it is not just in a hurry. */
const PATIENCE = 60;

/**
 * How many messages, SUBSCRIBEs and UNSUBSCRIBEs a device may send per second. One more, and it is not read until the second is over: TCP makes it wait, and nothing is
 * lost. That one is taken: it alone tells a device that is too fast from one that sends just as many as it may. One comparison a message; the
 * rest is done by the tick.
 */
export class RateLimit {
  private left: number;
  private isHeld = false;
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

  /** One more has come. */
  count(): void {
    this.left -= 1;
    if (this.left >= 0 || this.isHeld) return;
    this.isHeld = true;
    this.mqtt.hold();
    this.tell.held();
  }

  /** To be called once a second. */
  tick(): void {
    this.left = this.perSecond;
    if (!this.isHeld) {
      this.secondsTooFast = 0;
      return;
    }
    counts.throttledSeconds += 1;
    this.secondsTooFast += 1;
    if (this.secondsTooFast >= PATIENCE) return this.tell.tooFast();
    this.isHeld = false;
    this.mqtt.release();
  }
}
