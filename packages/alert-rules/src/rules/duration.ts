import { z } from 'zod';

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;
const LONGEST_MS = 30 * UNITS_MS.d;

/** `500ms`, `10s`, `2m`, `1h`, `30d` in milliseconds; undefined for what is none. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = DURATION.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS]; // the pattern allows no other unit
}

/** As short as it can be written: `90s`, `2m`. */
export function durationText(ms: number): string {
  const unit = (['d', 'h', 'm', 's'] as const).find((name) => ms % UNITS_MS[name] === 0) ?? 'ms';
  return ms === 0 ? '0s' : `${ms / UNITS_MS[unit]}${unit}`;
}

export const durationSchema = z
  .string('must be a duration such as 500ms, 10s, 2m, 1h or 1d')
  .transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== undefined && ms <= LONGEST_MS) return ms;
    const message =
      ms === undefined
        ? 'must be a duration such as 500ms, 10s, 2m, 1h or 1d'
        : 'must not be longer than 30d: what lies further back is not believed';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

/** One that must last. */
export const spanSchema = durationSchema.refine((ms) => ms > 0, 'must be longer than 0s');
