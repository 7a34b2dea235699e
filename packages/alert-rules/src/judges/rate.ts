import type { ReadingValue } from '@fieldgate/contracts';
import { z } from 'zod';
import type { Arrived } from './held-readings.js';
import { Judge } from './judge.js';
import type { RateRule } from '../rules/rule.js';
import { isBeyond, isMore } from './threshold.js';

export const MAX_KEPT = 256;
const SLICES = 128;
/** Forgotten readings stay in the arrays until there are so many: moving all of them up for each would be dear. */
const FORGOTTEN = 256;

const stateSchema = z.object({ times: z.array(z.number()), values: z.array(z.number()) });

/**
 * How much the value has changed since the newest reading that is at least `over` older, scaled to `per`. Without such a reading, or when it
 * is more than twice `over` older, nothing is known and nothing changes.
 */
export class Rate extends Judge<RateRule> {
  private times: number[] = [];
  private values: number[] = [];
  /** Where what counts begins: nothing before it can be the older reading any more. */
  private first = 0;

  protected judge({ timeMs, receivedMs }: Arrived, value: ReadingValue): void {
    if (typeof value !== 'number') return;
    this.times.push(timeMs);
    this.values.push(value);
    const { overMs, perMs, limit } = this.rule;
    while ((this.times[this.first + 1] ?? Infinity) <= timeMs - overMs) this.first += 1;
    const since = this.times[this.first];
    const from = this.values[this.first];
    if (
      since !== undefined &&
      from !== undefined &&
      timeMs - since >= overMs &&
      timeMs - since <= 2 * overMs
    ) {
      const rate = ((value - from) / (timeMs - since)) * perMs;
      const { open } = this.place;
      if (!isBeyond(this.rule, rate)) this.place.clear(timeMs, 'condition');
      else if (!open)
        this.raise({ since, raisedAt: timeMs, receivedAt: receivedMs, value: rate, peak: rate, limit });
      else if (isMore(this.rule, rate, open.peak)) this.place.setPeak(rate);
    }
    this.forget();
  }

  /** The readings around it are gone: what it would have made of the rate is not known. */
  protected late(): void {
    // says nothing about an open alert either
  }

  get dueMs(): number {
    return Infinity;
  }

  protected due(): void {
    // nothing happens without a reading
  }

  protected startAnew(): void {
    this.times = [];
    this.values = [];
    this.first = 0;
  }

  protected state(): unknown {
    if (this.times.length === 0) return undefined;
    return { times: this.times.slice(this.first), values: this.values.slice(this.first) };
  }

  protected restoreState(state: unknown): boolean {
    const read = stateSchema.safeParse(state);
    if (read.success) ({ times: this.times, values: this.values } = read.data);
    return read.success;
  }

  private forget(): void {
    const kept = this.times.length - this.first;
    if (kept <= MAX_KEPT && this.first < FORGOTTEN) return;
    const sliceMs = kept > MAX_KEPT ? this.rule.overMs / SLICES : 0;
    const times: number[] = [];
    const values: number[] = [];
    let slice = -Infinity;
    for (let at = this.first; at < this.times.length; at += 1) {
      const time = this.times[at] ?? 0; // both are of one length
      const itsSlice = sliceMs === 0 ? at : Math.floor(time / sliceMs);
      if (itsSlice === slice && times.length > 0) continue;
      slice = itsSlice;
      times.push(time);
      values.push(this.values[at] ?? 0);
    }
    this.times = times;
    this.values = values;
    this.first = 0;
  }
}
