import { deviceIdSchema } from '@fieldgate/contracts';
import { z } from 'zod';
import { limitSchema, timeSchema } from '../http/query-schemas.js';
import type { PageStart } from './read-dead-letters.js';

/** `next` of a page: `0-1200_3-88`, the offset per partition before which the next page begins. */
const pageStartSchema = z
  .string()
  .max(4096)
  .regex(/^\d{1,6}-\d{1,15}(_\d{1,6}-\d{1,15})*$/, 'must be "next" of an earlier answer')
  .transform((text): PageStart => new Map(text.split('_').map(positionOf)));

const filters = {
  device: deviceIdSchema.optional(),
  code: z.string().min(1).max(64).optional(),
  origin: z.enum(['mqtt', 'log', 'spool'], 'must be mqtt, log or spool').optional(),
  from: timeSchema.optional(),
  to: timeSchema.optional(),
  before: pageStartSchema.optional(),
};

export const deadLettersQuerySchema = z.strictObject({ ...filters, limit: limitSchema(100, 1000) });
export type DeadLettersRequest = z.output<typeof deadLettersQuerySchema>;

export const redriveSchema = z
  .strictObject({ dryRun: z.boolean().default(false) })
  .nullish()
  .transform((body) => body ?? { dryRun: false });
export type Redrive = z.output<typeof redriveSchema>;

export const redriveManySchema = z.strictObject({
  ...filters,
  dryRun: z.boolean().default(false),
  limit: z.number().int().min(1).max(1000).default(100),
});
export type RedriveMany = z.output<typeof redriveManySchema>;

export function positionOf(text: string): [partition: number, offset: number] {
  const dash = text.indexOf('-');
  return [Number(text.slice(0, dash)), Number(text.slice(dash + 1))];
}

export function pageStartText(next: PageStart): string {
  return [...next].map((position) => position.join('-')).join('_');
}
