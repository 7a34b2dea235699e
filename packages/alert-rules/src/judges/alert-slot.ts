import { alertIdOf, type Alert, type ClearReason } from '@fieldgate/contracts';
import type { AlertTransition } from '../alert-watch.js';

/** Raised at the same millisecond as one of these, an alert would have its id. */
const REMEMBERED = 8;

/** The place for the one alert that a rule can have open at a device. */
export class AlertSlot {
  private alert: Alert | undefined;
  private raisedAts: number[] = [];

  constructor(private readonly emit: (transition: AlertTransition) => void) {}

  get open(): Alert | undefined {
    return this.alert;
  }

  raise(alert: Omit<Alert, 'id'>): void {
    let { raisedAt } = alert;
    while (this.raisedAts.includes(raisedAt)) raisedAt += 1; // two in a millisecond, or a clock that was set back
    this.raisedAts.push(raisedAt);
    if (this.raisedAts.length > REMEMBERED) this.raisedAts.shift();
    this.alert = { ...alert, raisedAt, id: alertIdOf(alert.deviceId, alert.rule, raisedAt) };
    this.emit({ change: 'raised', alert: this.alert });
  }

  /** An alert never ends before it began, whatever the clock of the device did. */
  clear(atMs: number, reason: ClearReason): void {
    if (!this.alert) return;
    const clearedAt = Math.max(atMs, this.alert.raisedAt);
    this.emit({ change: 'cleared', alert: { ...this.alert, clearedAt, clearReason: reason } });
    this.alert = undefined;
  }

  /** To a higher severity. */
  escalate(atMs: number, change: Pick<Alert, 'severity' | 'text'>): void {
    if (!this.alert) return;
    this.alert = { ...this.alert, ...change, escalatedAt: Math.max(atMs, this.alert.raisedAt) };
    this.emit({ change: 'escalated', alert: this.alert });
  }

  amend(change: Partial<Pick<Alert, 'severity' | 'text' | 'peak'>>): void {
    if (!this.alert) return;
    this.alert = { ...this.alert, ...change };
    this.emit({ change: 'amended', alert: this.alert });
  }

  /** What comes in its order makes no step of its own: the end of the alert tells of the peak. */
  setPeak(peak: number): void {
    if (this.alert) this.alert = { ...this.alert, peak };
  }

  memory(): SlotMemory {
    return { ...(this.alert ? { open: this.alert } : {}), raised: [...this.raisedAts] };
  }

  restore({ open, raised }: SlotMemory): void {
    this.alert = open;
    this.raisedAts = [...raised];
  }
}

export interface SlotMemory {
  readonly open?: Alert | undefined;
  readonly raised: readonly number[];
}
