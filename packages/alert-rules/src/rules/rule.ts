import type { Alert, Severity } from '@fieldgate/contracts';
import type { DeviceFacts } from '../alert-watch.js';
import type { NotificationSettings } from './notification-settings.js';

/** What a rule says in any kind. Times in ms. */
interface RuleOfAnyKind {
  readonly name: string;
  /** All must match; of a list of values one. Undefined: every device. */
  readonly select?: Selection | undefined;
  readonly severity: Severity;
  /** A template; undefined: the default of the kind. */
  readonly text?: string | undefined;
  readonly latenessMs: number;
  /** Names of notifications; undefined: all. */
  readonly notify?: readonly string[] | undefined;
  /** Of what decides: a rule with another one starts anew, whereas severity, text and `notify` may change under an open alert. */
  readonly fingerprint: string;
}

export interface Selection {
  readonly type?: readonly string[] | undefined;
  readonly labels?: Readonly<Record<string, readonly string[]>> | undefined;
}

/** `above`: a value greater than `limit` is bad, and one not greater than `clear` is good again; `below` the other way round. */
export interface ThresholdRule extends RuleOfAnyKind {
  readonly kind: 'threshold';
  readonly metric: string;
  readonly side: 'above' | 'below';
  readonly limit: number;
  readonly clear: number;
  readonly forMs: number;
}

export interface RateRule extends RuleOfAnyKind {
  readonly kind: 'rate';
  readonly metric: string;
  readonly side: 'above' | 'below';
  readonly limit: number;
  readonly perMs: number;
  readonly overMs: number;
}

export interface AbsenceRule extends RuleOfAnyKind {
  readonly kind: 'absence';
  /** Undefined: anything that the device reports. */
  readonly metric?: string | undefined;
  readonly afterMs: number;
}

export interface FlappingRule extends RuleOfAnyKind {
  readonly kind: 'flapping';
  /** One of the two. */
  readonly metric?: string | undefined;
  readonly event?: string | undefined;
  readonly changes: number;
  readonly withinMs: number;
}

export type Rule = ThresholdRule | RateRule | AbsenceRule | FlappingRule;

/** A rules file that was found good. */
export interface Rules {
  /** As it was read. */
  readonly text: string;
  readonly rules: readonly Rule[];
  /** Types of condition events that become no alert. */
  readonly ignoredConditions: ReadonlySet<string>;
  readonly notifications: readonly NotificationSettings[];
}

/** Without a rules file: what devices say of themselves still becomes alerts. */
export const NO_RULES: Rules = { text: '', rules: [], ignoredConditions: new Set(), notifications: [] };

export function selects({ select }: Rule, { type, labels }: DeviceFacts): boolean {
  if (!select) return true;
  if (select.type && (type === undefined || !select.type.includes(type))) return false;
  return Object.entries(select.labels ?? {}).every(
    ([name, values]) => Object.hasOwn(labels, name) && values.includes(labels[name] ?? ''),
  );
}

/** Whether an open alert can be judged by this rule: it may have had other numbers when it was raised, not another kind or metric. */
export function isAbout(rule: Rule, alert: Alert): boolean {
  const event = rule.kind === 'flapping' ? rule.event : undefined;
  return rule.kind === alert.kind && rule.metric === alert.metric && event === alert.event;
}
