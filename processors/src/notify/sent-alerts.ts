import type { NotificationSettings } from '@fieldgate/alert-rules';
import type { AlertStep } from '@fieldgate/contracts';
import { isQuietHour } from './quiet-hours.js';

/** `send`; `skipped`: not for this sink; `quiet`: not now, and not later. */
export type Choice = 'send' | 'skipped' | 'quiet';

/** Alerts, and devices with a rule, remembered per partition; beyond it the oldest is forgotten. */
const MOST_KEPT = 10_000;

/**
 * What one sink has sent of one partition, and so what it sends next: `raised` and `cleared` of the alerts that it is for, the second only
 * when the first was sent, and nothing of a device and rule within the quiet time after the last notification.
 */
export class SentAlerts {
  private readonly raised = new Map<string, true>();
  /** Epoch ms, by device and rule. */
  private readonly lastAt = new Map<string, number>();

  constructor(
    private readonly settings: NotificationSettings,
    /** The sinks that a rule names; undefined: all. */
    private readonly sinksOf: (rule: string) => readonly string[] | undefined,
  ) {}

  choose(step: AlertStep, atMs: number): Choice {
    if (!this.isFor(step)) return 'skipped';
    return this.isQuiet(step, atMs) ? 'quiet' : 'send';
  }

  /** Of a step that was sent. */
  keep({ step, alert }: AlertStep, atMs: number): void {
    if (step === 'raised') put(this.raised, alert.id, true);
    else this.raised.delete(alert.id);
    if (this.settings.quietMs > 0) put(this.lastAt, placeOf(alert), atMs);
  }

  private isFor({ step, alert }: AlertStep): boolean {
    const { name, severities, rules } = this.settings;
    if (step === 'acknowledged') return false;
    if (step === 'cleared' && !this.raised.has(alert.id)) return false;
    if (severities && !severities.includes(alert.severity)) return false;
    if (rules && !rules.includes(alert.rule)) return false;
    return this.sinksOf(alert.rule)?.includes(name) ?? true;
  }

  private isQuiet({ alert }: AlertStep, atMs: number): boolean {
    const { quietMs, quietHours } = this.settings;
    const last = this.lastAt.get(placeOf(alert));
    if (last !== undefined && atMs - last < quietMs) return true;
    if (!quietHours || quietHours.except?.includes(alert.severity)) return false;
    return isQuietHour(quietHours, atMs);
  }
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
