import type { ReadingValue } from '@fieldgate/contracts';
import { z } from 'zod';
import type { Arrived } from './held-readings.js';
import { Judge } from './judge.js';
import type { ThresholdRule } from '../rules/rule.js';

const stateSchema = z.object({ since: z.number(), peak: z.number() });

/**
 * Raised by the reading at which the limit has been passed for `for`: readings are the only evidence, no timer raises. Cleared by the first
 * one on the good side of the clear limit. Booleans count as 0 and 1, texts are not judged.
 */
export class Threshold extends Judge<ThresholdRule> {
  /** The readings beyond the limit without a break, until there is an alert of them. */
  private since: number | undefined;
  private peak = 0;

  protected judge({ timeMs, receivedMs }: Arrived, value: ReadingValue): void {
    const number = numberOf(value);
    if (number === undefined) return;
    const isBad = isBeyond(this.rule, number);
    const { open } = this.place;
    if (open) {
      if (this.isGood(number)) this.place.clear(timeMs, 'condition');
      else if (isBad && isMore(this.rule, number, open.peak)) this.place.setPeak(number);
      return;
    }
    if (!isBad) {
      this.since = undefined;
      return;
    }
    const isFirst = this.since === undefined;
    this.since ??= timeMs;
    if (isFirst || isMore(this.rule, number, this.peak)) this.peak = number;
    if (timeMs - this.since < this.rule.forMs) return;
    const { since, peak } = this;
    this.since = undefined;
    this.raise({ since, raisedAt: timeMs, receivedAt: receivedMs, value, peak, limit: this.rule.limit });
  }

  protected late({ timeMs }: Arrived, value: ReadingValue): void {
    const number = numberOf(value);
    const { open } = this.place;
    if (!open || number === undefined || timeMs < open.since) return;
    if (isBeyond(this.rule, number) && isMore(this.rule, number, open.peak))
      this.place.amend({ peak: number });
  }

  get dueMs(): number {
    return Infinity;
  }

  protected due(): void {
    // nothing happens without a reading
  }

  protected startAnew(): void {
    this.since = undefined;
  }

  protected state(): unknown {
    return this.since === undefined ? undefined : { since: this.since, peak: this.peak };
  }

  protected restoreState(state: unknown): boolean {
    const read = stateSchema.safeParse(state);
    if (read.success) ({ since: this.since, peak: this.peak } = read.data);
    return read.success;
  }

  private isGood(value: number): boolean {
    return this.rule.side === 'above' ? value <= this.rule.clear : value >= this.rule.clear;
  }
}

interface Limit {
  readonly side: 'above' | 'below';
  readonly limit: number;
}

export function isBeyond({ side, limit }: Limit, value: number): boolean {
  return side === 'above' ? value > limit : value < limit;
}

/** Further beyond the limit than the peak so far. */
export function isMore({ side }: Limit, value: number, peak: number | undefined): boolean {
  return peak === undefined || (side === 'above' ? value > peak : value < peak);
}

function numberOf(value: ReadingValue): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' ? value : undefined;
}
