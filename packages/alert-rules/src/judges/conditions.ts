import {
  conditionRule,
  SEVERITIES,
  type Alert,
  type ClearReason,
  type EventRecord,
} from '@fieldgate/contracts';
import { AlertSlot, type SlotMemory } from './alert-slot.js';
import type { AlertTransition } from '../alert-watch.js';
import { isOlder, isSame } from './judge.js';
import { conditionText } from '../rules/rule-text.js';

interface Condition {
  readonly slot: AlertSlot;
  last: Pick<ToldCondition, 'timeMs' | 'seq' | 'id'> | undefined;
}

/** What counts of an event: its details may be long. */
export type ToldCondition = Pick<
  EventRecord,
  'event' | 'state' | 'severity' | 'timeMs' | 'seq' | 'id' | 'receivedMs'
> & {
  readonly text: string;
};

/** Types of one device that are remembered; beyond it the oldest that is not open goes, and where all are open a new one is not heard. */
export const MAX_CONDITIONS = 256;
/** Events that are kept until it is known whether the clock was set back; beyond it the oldest goes. */
const MAX_LATE = 32;

/** What one device says of itself: each type that it has raised and not cleared is an open alert. */
export class Conditions {
  private readonly conditions = new Map<string, Condition>();
  /** Too late for their type, in the order of their arrival. */
  private late: ToldCondition[] = [];

  constructor(
    private readonly deviceId: string,
    private readonly emit: (transition: AlertTransition) => void,
  ) {}

  /** False: older than what is known of this type. */
  apply(record: EventRecord): boolean {
    if (record.state === 'info') return true;
    const { event, state, severity, timeMs, seq, id, receivedMs } = record;
    const text = conditionText(this.deviceId, event, record.details);
    const told = { event, state, severity, timeMs, seq, id, receivedMs, text };
    if (this.tell(told)) return true;
    this.late.push(told);
    if (this.late.length > MAX_LATE) this.late.shift();
    return false;
  }

  private tell(told: ToldCondition): boolean {
    const { event, state, severity, timeMs, seq, id, text } = told;
    const condition = this.conditionOf(event);
    if (!condition) return true;
    const { last, slot } = condition;
    if (last && isSame(told, last)) return true; // a resend
    if (last && isOlder(told, last)) return false;
    condition.last = { timeMs, seq, id };
    if (state === 'cleared') slot.clear(timeMs, 'condition');
    else if (!slot.open) slot.raise(this.alertOf(told));
    else if (rank(severity) > rank(slot.open.severity)) slot.escalate(timeMs, { severity, text });
    return true;
  }

  ignore(types: ReadonlySet<string>, atMs: number): void {
    this.late = this.late.filter(({ event }) => !types.has(event));
    for (const [type, { slot }] of this.conditions) {
      if (!types.has(type)) continue;
      slot.clear(atMs, 'rule-removed');
      this.conditions.delete(type);
    }
  }

  clearAll(atMs: number, reason: ClearReason): void {
    for (const { slot } of this.conditions.values()) slot.clear(atMs, reason);
  }

  /** The clock of the device was set back: what came since then was new, and what comes now is. */
  setBack(): void {
    for (const condition of this.conditions.values()) condition.last = undefined;
    const { late } = this;
    this.late = [];
    for (const told of late) this.tell(told);
  }

  /** What arrived before then was late, whatever the clock is found to be. */
  forgetLate(beforeMs: number): void {
    if (this.late.length > 0) this.late = this.late.filter(({ receivedMs }) => receivedMs >= beforeMs);
  }

  *open(): Generator<Alert> {
    for (const { slot } of this.conditions.values()) if (slot.open) yield slot.open;
  }

  memory(): ConditionMemory[] {
    return Array.from(this.conditions, ([event, { slot, last }]) => ({
      event,
      ...(last ? { last: [last.timeMs, last.seq ?? null, last.id] } : {}),
      slot: slot.memory(),
    }));
  }

  lateMemory(): readonly ToldCondition[] {
    return [...this.late];
  }

  restore(memory: readonly ConditionMemory[], late: readonly ToldCondition[]): void {
    this.late = [...late];
    for (const { event, last, slot: slotMemory } of memory) {
      const slot = new AlertSlot(this.emit);
      slot.restore(slotMemory);
      this.conditions.set(event, {
        slot,
        last: last && { timeMs: last[0], ...(last[1] === null ? {} : { seq: last[1] }), id: last[2] },
      });
    }
  }

  private alertOf({ event, severity, timeMs, receivedMs, text }: ToldCondition): Omit<Alert, 'id'> {
    return {
      deviceId: this.deviceId,
      rule: conditionRule(event),
      kind: 'condition',
      severity,
      text,
      event,
      since: timeMs,
      raisedAt: timeMs,
      receivedAt: receivedMs,
    };
  }

  private conditionOf(event: string): Condition | undefined {
    const known = this.conditions.get(event);
    if (known) return known;
    if (this.conditions.size >= MAX_CONDITIONS) {
      const over = Array.from(this.conditions).find(([, { slot }]) => !slot.open);
      if (!over) return undefined;
      this.conditions.delete(over[0]);
    }
    const condition = { slot: new AlertSlot(this.emit), last: undefined };
    this.conditions.set(event, condition);
    return condition;
  }
}

export interface ConditionMemory {
  readonly event: string;
  readonly last?: readonly [timeMs: number, seq: number | null, id: string] | undefined;
  readonly slot: SlotMemory;
}

function rank(severity: Alert['severity']): number {
  return SEVERITIES.indexOf(severity);
}
