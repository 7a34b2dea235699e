import { alertIdOf, isDeviceId, isMetricName, type AlertStep, type ReadingValue } from '@fieldgate/contracts';
import { isAlertRule } from './alert-steps.js';
import type { StoreRecord } from './telemetry-store.js';

/** The last whole day of a time in nanoseconds in 64 bits. */
const MAX_TIME_MS = Date.UTC(2262, 3, 11);

/**
 * Why this record can never be stored; undefined when it can. Either adapter refuses the same: what both can hold. The gateway lets nothing
 * else into the log; other writers may.
 */
export function whyNotStorable(entry: StoreRecord): string | undefined {
  if (!isDeviceId(deviceOf(entry))) return 'the device id is not one of ours';
  switch (entry.kind) {
    case 'telemetry':
      return (
        wrongTime(entry.record.timeMs) ?? wrongSeq(entry.record.seq) ?? wrongReading(entry.record.readings)
      );
    case 'event':
      return wrongTime(entry.record.timeMs) ?? wrongTime(entry.record.receivedMs);
    case 'command':
      return wrongTime(entry.record.requestedAt);
    case 'alert':
      return wrongAlert(entry.record);
  }
}

function deviceOf(entry: StoreRecord): string {
  return entry.kind === 'alert' ? entry.record.alert.deviceId : entry.record.deviceId;
}

/** Its id names its place: an alert is found by it. */
function wrongAlert(step: AlertStep): string | undefined {
  const { id, deviceId, rule, since, raisedAt, clearedAt } = step.alert;
  if (!isAlertRule(rule)) return 'the rule of the alert is not a name of a rule';
  if (id !== alertIdOf(deviceId, rule, raisedAt)) return 'the id of the alert is not made of what it says';
  if (step.step === 'acknowledged') {
    if (step.acknowledgement.alertId !== id) return 'the acknowledgement is that of another alert';
    const wrong = wrongTime(step.acknowledgement.at);
    if (wrong !== undefined) return wrong;
  }
  if ((step.step === 'cleared') !== (clearedAt !== undefined))
    return 'an alert has the time of its end when it is cleared, and only then';
  return (
    wrongTime(raisedAt) ?? wrongTime(since) ?? (clearedAt === undefined ? undefined : wrongTime(clearedAt))
  );
}

function wrongTime(timeMs: number): string | undefined {
  return Number.isSafeInteger(timeMs) && timeMs >= 0 && timeMs <= MAX_TIME_MS
    ? undefined
    : 'the time is not a whole number of milliseconds between the years 1970 and 2262';
}

function wrongSeq(seq: number | undefined): string | undefined {
  return seq === undefined || (Number.isSafeInteger(seq) && seq >= 0)
    ? undefined
    : 'seq is not a whole number from 0';
}

function wrongReading(readings: Readonly<Record<string, ReadingValue>>): string | undefined {
  for (const metric of Object.keys(readings)) {
    if (!isMetricName(metric)) return 'a metric name is not one of ours';
    const value = readings[metric];
    if (typeof value === 'number' && !Number.isFinite(value)) return `"${metric}" is not a finite number`;
  }
  return undefined;
}
