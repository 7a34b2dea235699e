import { isDeviceId, isMetricName, type ReadingValue } from '@fieldgate/contracts';
import type { StoreRecord } from './telemetry-store.js';

/** The last whole day of a time in nanoseconds in 64 bits. */
const MAX_TIME_MS = Date.UTC(2262, 3, 11);

/**
 * Why this record can never be stored; undefined when it can. Either adapter refuses the same: what both can hold. The gateway lets nothing
 * else into the log; other writers may.
 */
export function whyNotStorable(entry: StoreRecord): string | undefined {
  const { deviceId } = entry.record;
  if (!isDeviceId(deviceId)) return 'the device id is not one of ours';
  switch (entry.kind) {
    case 'telemetry':
      return (
        wrongTime(entry.record.timeMs) ?? wrongSeq(entry.record.seq) ?? wrongReading(entry.record.readings)
      );
    case 'event':
      return wrongTime(entry.record.timeMs) ?? wrongTime(entry.record.receivedMs);
    case 'command':
      return wrongTime(entry.record.requestedAt);
  }
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
