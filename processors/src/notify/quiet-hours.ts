import type { QuietHours } from '@fieldgate/alert-rules';

/** By the clock on the wall of that time zone: when it is set forward or back, the quiet hours go with it. */
export function isQuietHour(
  hours: Pick<QuietHours, 'fromMinute' | 'toMinute' | 'timezone'>,
  ms: number,
): boolean {
  const { fromMinute, toMinute } = hours;
  const minute = minuteOfDay(hours.timezone, ms);
  return fromMinute < toMinute
    ? minute >= fromMinute && minute < toMinute
    : minute >= fromMinute || minute < toMinute;
}

function minuteOfDay(timezone: string, ms: number): number {
  const parts = formatOf(timezone).formatToParts(ms);
  const part = (type: string): number => Number(parts.find((each) => each.type === type)?.value);
  return part('hour') * 60 + part('minute');
}

/** Making one takes far longer than using it. There are as many as there are time zones in the rules. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    hourCycle: 'h23',
    hour: '2-digit',
    minute: '2-digit',
  });
  formats.set(timeZone, format);
  return format;
}
