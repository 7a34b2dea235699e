import { z } from 'zod';
import { shownAs } from './shown-as.js';

/** `?limit=`: at most `most`, `usual` when it is not given. */
export function limitSchema(usual: number, most: number): z.ZodType<number, unknown> {
  const says = `must be a whole number from 1 to ${most}`;
  const schema = z
    .string(says)
    .regex(/^\d{1,9}$/, says)
    .transform(Number)
    .refine((limit) => limit >= 1 && limit <= most, says)
    .default(usual);
  return shownAs(schema, { type: 'integer', minimum: 1, maximum: most, default: usual });
}

const TIME_SAYS = 'must be epoch milliseconds or an RFC 3339 time with a zone, of a day that exists';
/** RFC 3339, section 5.6; `Date.parse` alone would take far more, and some of it in the zone of this machine. */
const RFC_3339 = /^(\d{4}-\d\d-\d\d)T(?!24)\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i;

const timeText = z.string().transform((text, context) => {
  const ms = /^\d{1,16}$/.test(text) ? Number(text) : parseRfc3339(text);
  if (ms <= 8.64e15) return ms; // what a Date can hold; NaN is not
  context.addIssue(TIME_SAYS);
  return z.NEVER;
});
/** `?from=`, `?to=`: epoch ms. */
export const timeSchema = shownAs(timeText, {
  type: 'string',
  description: 'Epoch milliseconds, or RFC 3339 with a zone',
  examples: ['2026-11-20T21:30:00Z', '1795210200123'],
});

/** NaN for what is no time. */
function parseRfc3339(text: string): number {
  const day = RFC_3339.exec(text)?.[1];
  return day !== undefined && isDay(day) ? Date.parse(text.toUpperCase()) : Number.NaN;
}

/** `Date.parse` makes 30 February the second of March. */
function isDay(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}

export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A device's clock is believed up to this far ahead: its newest reading is in a range without an end. */
const BELIEVED_AHEAD_MS = 5 * 60_000;

/** The last `usualMs` when nothing is said; undefined when the range is empty the wrong way round. */
export function rangeOf(
  query: { readonly from?: number | undefined; readonly to?: number | undefined },
  usualMs: number,
  nowMs: number,
): Range | undefined {
  const fromMs = query.from ?? (query.to ?? nowMs) - usualMs;
  const toMs = query.to ?? Math.max(nowMs + BELIEVED_AHEAD_MS, fromMs + 1);
  return fromMs < toMs ? { fromMs, toMs } : undefined;
}

/** `?name=a&name=b` arrives as an array, `?name=a` as text. */
export function repeated<T>(element: z.ZodType<T, string>, most: number): z.ZodType<readonly T[], unknown> {
  const schema = z
    .union([z.string().transform((text) => [text]), z.array(z.string())], 'must be text')
    .pipe(z.array(element).min(1).max(most));
  return shownAs(schema, { type: 'array', items: { type: 'string' }, minItems: 1, maxItems: most });
}
