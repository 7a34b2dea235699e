import type { Alert, AlertStep } from '@fieldgate/contracts';

/** What stands between < and > of a Message-ID [RFC 5322, 3.6.4] without quoting. */
const UNSAFE_IN_ID = /[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]/g;

export function subjectOf({ step, alert }: AlertStep): string {
  return oneLine(`[${alert.severity}] ${alert.deviceId}: ${alert.rule} ${step}`);
}

/** The same for the same step, so that a mail that comes twice is known again. */
export function messageIdOf(id: string, from: string): string {
  const domain = from.slice(from.lastIndexOf('@') + 1);
  return `<${id.replaceAll(UNSAFE_IN_ID, '_')}@${domain}>`;
}

export function textOf({ step, alert }: AlertStep): string {
  const rows = rowsOf(alert).filter(([, value]) => value !== undefined);
  const table = [['step', step], ...rows].map(
    ([name, value]) => `${`${name}:`.padEnd(12)}${oneLine(String(value))}`,
  );
  return [oneLine(alert.text), '', ...table, ''].join('\n');
}

function rowsOf(alert: Alert): [string, string | number | boolean | undefined][] {
  return [
    ['device', alert.deviceId],
    ['rule', alert.rule],
    ['severity', alert.severity],
    ['metric', alert.metric],
    ['event', alert.event],
    ['value', alert.value],
    ['limit', alert.limit],
    ['peak', alert.peak],
    ['since', timeOf(alert.since)],
    ['raised', timeOf(alert.raisedAt)],
    ['escalated', alert.escalatedAt === undefined ? undefined : timeOf(alert.escalatedAt)],
    ['cleared', alert.clearedAt === undefined ? undefined : timeOf(alert.clearedAt)],
    ['because', alert.clearReason],
    ['alert', alert.id],
  ];
}

function timeOf(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}

/** Texts come from devices too: no line breaks, nothing that moves a terminal's cursor. */
function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}
