import { isMetricName, MAX_METRICS } from '@fieldgate/contracts';
import { AGGREGATES } from '@fieldgate/telemetry-store';
import { z } from 'zod';
import { limitSchema, repeated, timeSchema } from '../http/query-schemas.js';
import { shownAs } from '../http/shown-as.js';

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const MAX_EVERY_MS = 366 * UNITS_MS.d;

/** `10s`, `1m`, `1h`, `1d`: milliseconds. */
const everyText = z
  .string()
  .regex(/^[1-9]\d{0,7}[smhd]$/, 'must be a number and s, m, h or d, such as 10s, 1m, 1h or 1d')
  .transform((text) => Number(text.slice(0, -1)) * UNITS_MS[text.slice(-1) as keyof typeof UNITS_MS]) // the pattern allows no other unit
  .refine((ms) => ms <= MAX_EVERY_MS, 'must be at most 366d');
const everySchema = shownAs(everyText, {
  type: 'string',
  pattern: '^[1-9][0-9]{0,7}[smhd]$',
  description: 'The length of a bucket: 10s, 1m, 1h, 1d',
});

const metric = z.string().refine(isMetricName, 'is not a metric name');

export const seriesQuerySchema = z
  .strictObject({
    /** Without: all. */
    metric: repeated(metric, MAX_METRICS).optional(),
    from: timeSchema.optional(),
    to: timeSchema.optional(),
    every: everySchema.optional(),
    aggregate: z.enum(AGGREGATES, `must be one of ${AGGREGATES.join(', ')}`).optional(),
    limit: limitSchema(1000, 10_000),
  })
  .refine(({ every, aggregate }) => every !== undefined || aggregate === undefined, {
    path: ['aggregate'],
    message: 'needs every, such as every=1m',
  });
export type SeriesRequest = z.output<typeof seriesQuerySchema>;
