import type { Alert, ReadingValue } from '@fieldgate/contracts';
import type { AlertSlot, SlotMemory } from './alert-slot.js';
import type { DeviceFacts } from '../alert-watch.js';
import type { Heap } from '../heap.js';
import { heldReadings, MAX_HELD, type Arrived, type Held } from './held-readings.js';
import type { Rule } from '../rules/rule.js';
import { textOf } from '../rules/rule-text.js';

/** One rule at one device. Times are the device's, epoch ms. */
export abstract class Judge<R extends Rule = Rule> {
  /** The record itself: one field to write for each of millions. */
  private last: Key | undefined;
  private readonly hasDues: boolean;
  private readonly held: Heap<Held> | undefined;

  constructor(
    protected rule: R,
    readonly place: AlertSlot,
    protected readonly facts: () => DeviceFacts,
  ) {
    this.hasDues = rule.kind === 'absence' || rule.kind === 'flapping';
    if (rule.latenessMs > 0) this.held = heldReadings();
  }

  /** What is judged now is not older than anything judged before. */
  protected abstract judge(record: Arrived, value: ReadingValue): void;

  /** Older than what has been judged: it may say more about an open alert, and neither raises nor clears one. */
  protected abstract late(record: Arrived, value: ReadingValue): void;

  /** What happens without a reading when the time of the device has passed this one; Infinity: nothing. */
  abstract get dueMs(): number;

  protected abstract due(): void;

  /** The device's clock was set back by `byMs`, and this is the first record that counts again. */
  protected abstract startAnew(record: Arrived, byMs: number): void;

  /** JSON; undefined: nothing to keep. */
  protected abstract state(): unknown;

  /** False: not as `state` wrote it. */
  protected abstract restoreState(state: unknown): boolean;

  get settings(): Rule {
    return this.rule;
  }

  protected get isHolding(): boolean {
    return this.held !== undefined && this.held.size > 0;
  }

  /** Without a reading nothing happens to some, however much time passes. */
  get waitsForTime(): boolean {
    return this.held !== undefined || this.hasDues;
  }

  /** False: it came late. */
  take(record: Arrived, value: ReadingValue): boolean {
    const { last, held } = this;
    if (last !== undefined && record.timeMs <= last.timeMs) {
      if (isSame(record, last)) return true; // a resend
      if (isOlder(record, last)) {
        this.late(record, value);
        return false;
      }
    }
    if (!held) {
      this.judgeNow(record, value);
      return true;
    }
    const { timeMs, seq, id, receivedMs } = record;
    held.push({ timeMs, seq, id, receivedMs, value });
    if (held.size > MAX_HELD) this.judgeOldest(held);
    return true;
  }

  /** The clock of the device has passed `nowMs`. */
  pass(nowMs: number, _arrivalMs: number): void {
    const upTo = nowMs - this.rule.latenessMs;
    const { held } = this;
    if (held) while ((held.least?.timeMs ?? Infinity) < upTo) this.judgeOldest(held);
    if (this.hasDues) this.dueBefore(upTo);
  }

  /** When `pass` has something to do, on the clock of the device. */
  nextMs(): number {
    return Math.min(this.held?.least?.timeMs ?? Infinity, this.dueMs) + this.rule.latenessMs;
  }

  /** The same on the arrival clock, where the device has shown no time yet. */
  nextArrivalMs(): number {
    return Infinity;
  }

  setBack(record: Arrived, byMs: number): void {
    if (this.held) while (this.held.size > 0) this.judgeOldest(this.held);
    this.last = undefined;
    this.startAnew(record, byMs);
  }

  /** The same rule, in other words. */
  adopt(rule: R): void {
    const before = this.rule;
    this.rule = rule;
    this.tellAgainIfOther(before);
  }

  /** Other words of a rule amend the open alert; nobody is woken by it. */
  tellAgainIfOther(before: Rule): void {
    const { severity, text } = this.rule;
    const { open } = this.place;
    if (!open || (severity === before.severity && text === before.text)) return;
    this.place.amend({ severity, text: textOf(this.rule, this.facts().labels, open) });
  }

  memory(): JudgeMemory | undefined {
    const { last, held, rule } = this;
    const slot = this.place.memory();
    const state = this.state();
    if (!last && !held?.size && !slot.open && slot.raised.length === 0 && state === undefined)
      return undefined;
    return {
      rule: rule.name,
      fingerprint: rule.fingerprint,
      ...(last ? { last: [last.timeMs, last.seq ?? null, last.id] } : {}),
      ...(held?.size ? { held: [...held.all()] } : {}),
      ...(state === undefined ? {} : { state }),
      slot,
    };
  }

  restore({ last, held, state, slot }: JudgeMemory): boolean {
    this.place.restore(slot);
    this.last = last && { timeMs: last[0], seq: last[1] ?? undefined, id: last[2] };
    if (held && this.held) for (const reading of held) this.held.push(reading);
    return state === undefined || this.restoreState(state);
  }

  protected raise(
    about: Pick<Alert, 'since' | 'raisedAt' | 'receivedAt'> &
      Partial<Pick<Alert, 'value' | 'peak' | 'limit'>>,
  ): void {
    const { rule } = this;
    const facts = this.facts();
    const alert = {
      deviceId: facts.id,
      rule: rule.name,
      kind: rule.kind,
      severity: rule.severity,
      ...(rule.metric === undefined ? {} : { metric: rule.metric }),
      ...(rule.kind === 'flapping' && rule.event !== undefined ? { event: rule.event } : {}),
      ...about,
    };
    this.place.raise({ ...alert, text: textOf(rule, facts.labels, alert) });
  }

  private judgeOldest(held: Heap<Held>): void {
    const oldest = held.pop();
    if (oldest && !(this.last && isSame(oldest, this.last))) this.judgeNow(oldest, oldest.value);
  }

  private judgeNow(record: Arrived, value: ReadingValue): void {
    if (this.hasDues) this.dueBefore(record.timeMs);
    this.judge(record, value);
    this.last = record;
  }

  private dueBefore(timeMs: number): void {
    if (this.dueMs < timeMs) this.due();
  }
}

export interface JudgeMemory {
  readonly rule: string;
  readonly fingerprint: string;
  readonly last?: readonly [timeMs: number, seq: number | null, id: string] | undefined;
  readonly held?: readonly Held[] | undefined;
  readonly state?: unknown;
  readonly slot: SlotMemory;
}

type Key = Pick<Arrived, 'timeMs' | 'seq' | 'id'>;

export function isSame(a: Key, b: Key): boolean {
  return a.timeMs === b.timeMs && a.id === b.id;
}

/** Of one millisecond only `seq` tells the order; without it the order of arrival counts. */
export function isOlder(a: Key, b: Key): boolean {
  if (a.timeMs !== b.timeMs) return a.timeMs < b.timeMs;
  return a.seq !== undefined && b.seq !== undefined && a.seq < b.seq;
}
