import type { Clock } from './clock.js';
import type { Logger } from './logger.js';

const EVERY_MS = 60_000;
const MOST_KINDS = 1_000;

/** One faulty device must not fill the disk: the first line of a kind comes at once, then at most one a minute, which says how many were left out. */
export class RepeatedLines {
  private readonly kinds = new Map<string, { until: number; leftOut: number }>();

  constructor(
    private readonly logger: Logger,
    private readonly clock: Clock,
  ) {}

  log(
    level: 'info' | 'warn',
    kind: string,
    fields: Readonly<Record<string, unknown>>,
    message: string,
  ): void {
    const now = this.clock.now();
    const known = this.kinds.get(kind);
    if (known && now < known.until) {
      known.leftOut += 1;
      return;
    }
    this.logger[level](known?.leftOut ? { ...fields, leftOut: known.leftOut } : fields, message);
    if (!known && this.kinds.size >= MOST_KINDS) this.kinds.clear(); // a flood of kinds: begin anew, at the price of some more lines
    this.kinds.set(kind, { until: now + EVERY_MS, leftOut: 0 });
  }
}
