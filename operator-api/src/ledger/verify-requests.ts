import { deviceIdSchema } from '@fieldgate/contracts';
import { z } from 'zod';
import { limitSchema, timeSchema } from '../http/query-schemas.js';
import type { VerifyPosition } from './verify-partition.js';
import { VERIFIED_TOPICS } from './verify-records.js';

/** `next` of an answer: `events-3-1200`, a topic, a partition and the offset to go on from. */
const positionSchema = z
  .string()
  .max(64)
  .regex(/^(telemetry|events|commands|alerts)-\d{1,6}-\d{1,15}$/, 'must be "next" of an earlier answer')
  .transform((text): VerifyPosition => {
    const [name, partition, offset] = text.split('-');
    const topic = VERIFIED_TOPICS.find((each) => shortName(each) === name) ?? VERIFIED_TOPICS[0];
    return { topic, partition: Number(partition), offset: Number(offset) };
  });

export const verifyQuerySchema = z.strictObject({
  device: deviceIdSchema.optional(),
  from: timeSchema.optional(),
  to: timeSchema.optional(),
  start: positionSchema.optional(),
  limit: limitSchema(1_000, 10_000),
});
export type VerifyRequest = z.output<typeof verifyQuerySchema>;

export function positionText({ topic, partition, offset }: VerifyPosition): string {
  return `${shortName(topic)}-${partition}-${offset}`;
}

function shortName(topic: VerifyPosition['topic']): string {
  return topic.split('.')[1] ?? topic;
}
