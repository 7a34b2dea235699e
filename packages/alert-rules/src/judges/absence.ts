import { z } from 'zod';
import type { AlertSlot } from './alert-slot.js';
import type { DeviceFacts } from '../alert-watch.js';
import type { Arrived } from './held-readings.js';
import { Judge } from './judge.js';
import type { AbsenceRule } from '../rules/rule.js';

const stateSchema = z.object({
  seen: z.tuple([z.number(), z.number()]).optional(),
  watchedFrom: z.number().optional(),
});

/**
 * Raised when the clock of the device has passed the last reading by more than `after`, dated to that very moment. A device that never
 * reported is measured by the arrival clock, from its registration on, or since this rule watches it.
 */
export class Absence extends Judge<AbsenceRule> {
  private seen: { timeMs: number; receivedMs: number } | undefined;

  /** `ruleSince`: Infinity before the first record. `watchedFrom`: instead of it, for a device that the rule came to select later. */
  constructor(
    rule: AbsenceRule,
    place: AlertSlot,
    facts: () => DeviceFacts,
    private readonly ruleSince: () => number,
    private watchedFrom?: number,
  ) {
    super(rule, place, facts);
  }

  protected judge({ timeMs, receivedMs }: Arrived): void {
    if (this.place.open) this.place.clear(timeMs, 'condition');
    if (this.seen) {
      this.seen.timeMs = timeMs;
      this.seen.receivedMs = receivedMs;
    } else this.seen = { timeMs, receivedMs };
  }

  /** It is not newer than the last one seen. */
  protected late(): void {
    // so it says nothing about the silence since
  }

  get dueMs(): number {
    return this.seen && !this.place.open ? this.seen.timeMs + this.rule.afterMs : Infinity;
  }

  protected due(): void {
    if (!this.seen) return;
    const { timeMs, receivedMs } = this.seen;
    const { afterMs } = this.rule;
    this.raise({ since: timeMs, raisedAt: timeMs + afterMs, receivedAt: receivedMs + afterMs });
  }

  override nextArrivalMs(): number {
    return this.seen || this.isHolding || this.place.open
      ? Infinity
      : this.base() + this.rule.afterMs + this.rule.latenessMs;
  }

  override pass(nowMs: number, arrivalMs: number): void {
    super.pass(nowMs, arrivalMs);
    if (this.nextArrivalMs() >= arrivalMs) return;
    const since = this.base();
    const raisedAt = since + this.rule.afterMs;
    this.raise({ since, raisedAt, receivedAt: raisedAt });
  }

  protected startAnew({ timeMs, receivedMs }: Arrived): void {
    if (this.seen) this.seen = { timeMs, receivedMs };
  }

  protected state(): unknown {
    const { seen, watchedFrom } = this;
    if (!seen && watchedFrom === undefined) return undefined;
    return {
      ...(seen ? { seen: [seen.timeMs, seen.receivedMs] } : {}),
      ...(watchedFrom === undefined ? {} : { watchedFrom }),
    };
  }

  protected restoreState(state: unknown): boolean {
    const read = stateSchema.safeParse(state);
    if (!read.success) return false;
    const { seen, watchedFrom } = read.data;
    this.seen = seen && { timeMs: seen[0], receivedMs: seen[1] };
    this.watchedFrom = watchedFrom;
    return true;
  }

  private base(): number {
    return Math.max(this.facts().createdAt, this.watchedFrom ?? this.ruleSince());
  }
}
