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
  last: Pick<EventRecord, 'timeMs' | 'seq' | 'id'> | undefined;
}

/** Types of one device that are remembered; beyond it the oldest that is not open goes, and where all are open a new one is not heard. */
export const MAX_CONDITIONS = 256;

/** What one device says of itself: each type that it has raised and not cleared is an open alert. */
export class Conditions {
  private readonly conditions = new Map<string, Condition>();

  constructor(private readonly emit: (transition: AlertTransition) => void) {}

  /** False: older than what is known of this type. */
  apply(record: EventRecord): boolean {
    const { event, state, timeMs, seq, id } = record;
    if (state === 'info') return true;
    const condition = this.conditionOf(event);
    if (!condition) return true;
    const { last, slot } = condition;
    if (last && isSame(record, last)) return true; // a resend
    if (last && isOlder(record, last)) return false;
    condition.last = { timeMs, seq, id };
    if (state === 'cleared') slot.clear(timeMs, 'condition');
    else if (!slot.open) slot.raise(alertOf(record));
    else if (rank(record.severity) > rank(slot.open.severity)) {
      const { severity, text } = alertOf(record);
      slot.amend({ severity, text });
    }
    return true;
  }

  ignore(types: ReadonlySet<string>, atMs: number): void {
    for (const [type, { slot }] of this.conditions) {
      if (!types.has(type)) continue;
      slot.clear(atMs, 'rule-removed');
      this.conditions.delete(type);
    }
  }

  clearAll(atMs: number, reason: ClearReason): void {
    for (const { slot } of this.conditions.values()) slot.clear(atMs, reason);
  }

  /** The clock of the device was set back: what comes now is new. */
  setBack(): void {
    for (const condition of this.conditions.values()) condition.last = undefined;
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

  restore(memory: readonly ConditionMemory[]): void {
    for (const { event, last, slot: slotMemory } of memory) {
      const slot = new AlertSlot(this.emit);
      slot.restore(slotMemory);
      this.conditions.set(event, {
        slot,
        last: last && { timeMs: last[0], ...(last[1] === null ? {} : { seq: last[1] }), id: last[2] },
      });
    }
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

function alertOf({ deviceId, event, severity, details, timeMs, receivedMs }: EventRecord): Omit<Alert, 'id'> {
  return {
    deviceId,
    rule: conditionRule(event),
    kind: 'condition',
    severity,
    text: conditionText(deviceId, event, details),
    event,
    since: timeMs,
    raisedAt: timeMs,
    receivedAt: receivedMs,
  };
}

function rank(severity: Alert['severity']): number {
  return SEVERITIES.indexOf(severity);
}
