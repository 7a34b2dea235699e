import type { NotificationSettings } from '@fieldgate/alert-rules';
import { SEVERITIES, type AlertStep } from '@fieldgate/contracts';
import { isQuietHour } from './quiet-hours.js';

/** When a step is chosen or was sent, and how sure that is. */
export interface Sending {
  /** Epoch ms. */
  readonly atMs: number;
  /** The step stands in the log because its dead letter was driven again. */
  readonly isRedriven?: boolean;
  /** Not seen by this process: worked out from the log, which does not say what was given up. */
  readonly isAssumed?: boolean;
}

/** How bad what was sent was, and how sure it is that it was. */
interface Sent {
  readonly rank: number;
  readonly isAssumed: boolean;
}

/** `send`; `skipped`: not for this sink; `quiet`: not now, and not later. */
export type Choice = 'send' | 'skipped' | 'quiet';

/** Open alerts, alerts that are over, and devices with a rule, remembered per partition; beyond it the oldest is forgotten. */
const MOST_KEPT = 10_000;

/**
 * What one sink has sent of one partition, and so what it sends next: `raised` and `escalated` of the alerts that it is for, of a device and rule
 * within the quiet time after the last one only what is worse than that, and `cleared` whenever one of the two was sent: whoever was told must
 * hear that it is over.
 * A step that was sent is not sent again when it stands in the log twice: told twice, or driven again for another sink. But what is only
 * assumed to be sent is sent again when it was driven again: it may be the very step that was given up.
 */
export class SentAlerts {
  /** Alerts by id whose `raised` or `escalated` was sent, and no `cleared` after it. */
  private readonly open = new Map<string, Sent>();
  /** Those whose `cleared` was sent too. */
  private readonly over = new Map<string, Sent>();
  /** When the last `raised` or `escalated` was sent: epoch ms, by device and rule. */
  private readonly last = new Map<string, { readonly atMs: number; readonly rank: number }>();

  constructor(
    private readonly settings: NotificationSettings,
    /** The sinks that a rule names; undefined: all. */
    private readonly sinksOf: (rule: string) => readonly string[] | undefined,
  ) {}

  choose(step: AlertStep, sending: Sending): Choice {
    if (!this.isFor(step)) return 'skipped';
    if (sending.isRedriven && this.isAssumed(step.alert)) return 'send';
    if (!this.isNext(step)) return 'skipped';
    return this.isQuiet(step, sending.atMs) ? 'quiet' : 'send';
  }

  /** Of a step that was sent. */
  keep({ step, alert }: AlertStep, { atMs, isAssumed = false }: Sending): void {
    const sent = { rank: rankOf(alert), isAssumed };
    if (step === 'cleared') {
      this.open.delete(alert.id);
      return put(this.over, alert.id, sent);
    }
    this.over.delete(alert.id);
    put(this.open, alert.id, sent);
    if (this.settings.quietMs > 0) put(this.last, placeOf(alert), { atMs, rank: sent.rank });
  }

  private isFor({ step, alert }: AlertStep): boolean {
    const { name, severities, rules } = this.settings;
    if (step === 'acknowledged') return false;
    // what ends may have become worse than what was sent
    if (step !== 'cleared' && severities && !severities.includes(alert.severity)) return false;
    if (rules && !rules.includes(alert.rule)) return false;
    return this.sinksOf(alert.rule)?.includes(name) ?? true;
  }

  private isAssumed({ id }: AlertStep['alert']): boolean {
    return (this.open.get(id) ?? this.over.get(id))?.isAssumed ?? false;
  }

  /** Each once: `raised`, then `escalated` (the first of the two for a sink that is not for what was raised), and `cleared` last. */
  private isNext({ step, alert }: AlertStep): boolean {
    const sent = this.open.get(alert.id);
    if (step === 'cleared') return sent !== undefined;
    if (this.over.has(alert.id)) return false;
    return sent === undefined || (step === 'escalated' && rankOf(alert) > sent.rank);
  }

  private isQuiet({ step, alert }: AlertStep, atMs: number): boolean {
    if (step === 'cleared') return false;
    const { quietMs, quietHours } = this.settings;
    const last = this.last.get(placeOf(alert));
    if (last && atMs - last.atMs < quietMs && rankOf(alert) <= last.rank) return true;
    if (!quietHours || quietHours.except?.includes(alert.severity)) return false;
    return isQuietHour(quietHours, atMs);
  }
}

function rankOf({ severity }: AlertStep['alert']): number {
  return SEVERITIES.indexOf(severity);
}

function placeOf({ deviceId, rule }: AlertStep['alert']): string {
  return `${deviceId}/${rule}`;
}

function put<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key); // the newest stands last
  map.set(key, value);
  if (map.size <= MOST_KEPT) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
