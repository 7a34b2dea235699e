import type { ReadingValue } from '@fieldgate/contracts';
import { z } from 'zod';
import type { Arrived } from './held-readings.js';
import { Judge } from './judge.js';
import type { FlappingRule } from '../rules/rule.js';

export const MAX_CHANGES = 1_000;

const stateSchema = z.object({
  value: z.union([z.number(), z.boolean(), z.string()]).optional(),
  changes: z.array(z.number()).max(MAX_CHANGES),
});

/**
 * Raised by the change with which `changes` of them lie within `within`; cleared when the clock of the device has passed the moment from
 * which on fewer do. A metric changes when its value is another one than before. A condition event changes between raised and cleared, and
 * is taken to be cleared at first; of `info` each occurrence counts.
 */
export class Flapping extends Judge<FlappingRule> {
  private value: ReadingValue | undefined;
  /** Times of the newest changes, the oldest first. */
  private changes: number[] = [];

  protected judge({ timeMs, receivedMs }: Arrived, value: ReadingValue): void {
    if (!this.isChange(value)) return;
    const { changes } = this;
    const { withinMs, changes: limit } = this.rule;
    changes.push(timeMs);
    while ((changes[0] ?? timeMs) < timeMs - withinMs || changes.length > MAX_CHANGES) changes.shift();
    const { open } = this.place;
    const count = changes.length;
    if (count < limit) return;
    if (open) {
      if (count > (open.peak ?? 0)) this.place.setPeak(count);
      return;
    }
    const since = changes[0] ?? timeMs;
    this.raise({ since, raisedAt: timeMs, receivedAt: receivedMs, value: count, peak: count, limit });
  }

  /** Whether it was a change is not known any more. */
  protected late(): void {
    // says nothing about an open alert either
  }

  /** When the oldest of those changes that make it flap leaves the window. */
  get dueMs(): number {
    const { open } = this.place;
    if (!open) return Infinity;
    const oldest = this.changes[this.changes.length - this.rule.changes];
    return oldest === undefined ? open.raisedAt : oldest + this.rule.withinMs;
  }

  protected due(): void {
    this.place.clear(this.dueMs, 'condition');
  }

  protected startAnew(_record: Arrived, byMs: number): void {
    this.changes = this.changes.map((timeMs) => timeMs - byMs);
  }

  /** With other numbers it goes on with the changes that it has seen. */
  goOnFrom({ value, changes }: Flapping): void {
    this.value = value;
    this.changes = [...changes];
  }

  protected state(): unknown {
    const { value, changes } = this;
    if (value === undefined && changes.length === 0) return undefined;
    return { ...(value === undefined ? {} : { value }), changes: [...changes] };
  }

  protected restoreState(state: unknown): boolean {
    const read = stateSchema.safeParse(state);
    if (read.success) ({ value: this.value, changes: this.changes } = read.data);
    return read.success;
  }

  private isChange(value: ReadingValue): boolean {
    if (this.rule.event !== undefined && value === 'info') return true;
    const before = this.value ?? (this.rule.event === undefined ? undefined : 'cleared');
    this.value = value;
    return before !== undefined && before !== value;
  }
}
