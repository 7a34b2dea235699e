import type { Alert } from '@fieldgate/contracts';
import { durationText } from './duration.js';
import type { Rule } from './rule.js';

const PLACEHOLDER = /\{([^{}]*)\}/g;
const NAMES: ReadonlySet<string> = new Set(['device', 'metric', 'event', 'value', 'limit', 'rule', 'since']);
const LABEL = 'label.';
const MAX_VALUE_LENGTH = 100;
const MAX_DETAILS_LENGTH = 200;
const MAX_TEXT_LENGTH = 500;

/** What a template asks for and nobody can answer. */
export function unknownPlaceholders(template: string): string[] {
  const asked = Array.from(template.matchAll(PLACEHOLDER), ([, name = '']) => name);
  return asked.filter((name) => !NAMES.has(name) && !(name.startsWith(LABEL) && name.length > LABEL.length));
}

/** What an alert of this rule says. What it has no value for is a dash. */
export function textOf(
  rule: Rule,
  labels: Readonly<Record<string, string>>,
  alert: Pick<Alert, 'deviceId' | 'metric' | 'event' | 'value' | 'limit' | 'rule' | 'since'>,
): string {
  const { deviceId: device, metric, event, value, limit, since } = alert;
  const given: Readonly<Record<string, string | number | boolean | undefined>> = {
    device,
    metric,
    event,
    value,
    limit,
    rule: rule.name,
    since: new Date(since).toISOString(),
  };
  const text = (rule.text ?? defaultText(rule)).replace(PLACEHOLDER, (_all, name: string) =>
    valueText(
      name.startsWith(LABEL)
        ? Object.entries(labels).find(([label]) => label === name.slice(LABEL.length))?.[1]
        : given[name],
    ),
  );
  return printable(text, MAX_TEXT_LENGTH);
}

function defaultText(rule: Rule): string {
  switch (rule.kind) {
    case 'threshold':
      return `{device}: {metric} is {value}, ${rule.side} {limit}`;
    case 'rate':
      return `{device}: {metric} changes by {value} per ${durationText(rule.perMs)}, limit {limit}`;
    case 'absence':
      return rule.metric === undefined
        ? '{device}: nothing since {since}'
        : `{device}: no ${rule.metric} since {since}`;
    case 'flapping':
      return `{device}: ${rule.metric ?? rule.event} changed {value} times within ${durationText(rule.withinMs)}`;
  }
}

/** What a device said of itself: its own words, made short and harmless. */
export function conditionText(
  deviceId: string,
  event: string,
  details: Readonly<Record<string, unknown>> | undefined,
): string {
  const said = Object.entries(details ?? {})
    .map(([name, value]) => `${name}: ${isScalar(value) ? valueText(value) : JSON.stringify(value)}`)
    .join(', ');
  const text = `${deviceId}: ${event}`;
  return printable(said === '' ? text : `${text} (${printable(said, MAX_DETAILS_LENGTH)})`, MAX_TEXT_LENGTH);
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** Numbers with at most 6 significant digits: 0.1 + 0.2 is 0.3. */
function valueText(value: string | number | boolean | undefined): string {
  if (value === undefined) return '-';
  if (typeof value === 'number') return String(Number(value.toPrecision(6)));
  return printable(String(value), MAX_VALUE_LENGTH);
}

/** It comes from devices and ends up in terminals, mails and chats. */
function printable(text: string, maxLength: number): string {
  const clean = text.replace(/\p{C}/gu, '?');
  return clean.length > maxLength ? `${clean.slice(0, maxLength - 1)}…` : clean;
}
