import { pause, type Clock } from '@fieldgate/service';

/** A stop of the process may take 10 s: this is for the gateway. Then HTTP, and what the log has left, have their turn. */
const STOP_MS = 6_000;
/** Of which one wait for the log has at most this. */
const WAIT_MS = 3_000;
const LOOK_EVERY_MS = 5;

/** The time that the steps of the gateway's stop share, from its beginning on. */
export class TimeToStop {
  private readonly deadline: number;

  constructor(private readonly monotonic: Clock) {
    this.deadline = monotonic.now() + STOP_MS;
  }

  get leftMs(): number {
    return Math.max(0, this.deadline - this.monotonic.now());
  }

  /** Resolves when it is over, or the time for it is. */
  async during(isWaiting: () => boolean): Promise<void> {
    const until = Math.min(this.deadline, this.monotonic.now() + WAIT_MS);
    while (this.monotonic.now() < until && isWaiting()) await pause(LOOK_EVERY_MS);
  }

  /** Resolves when this is done, or no time is left. */
  async until(done: Promise<unknown>): Promise<void> {
    const isDone = new AbortController();
    await Promise.race([done, pause(this.leftMs, isDone.signal)]);
    isDone.abort();
  }
}
