import { deviceIdSchema, type LogTopic } from '@fieldgate/contracts';
import { z } from 'zod';
import { repeated } from '../http/query-schemas.js';
import { parsePositions } from './stream-positions.js';

/** What can be streamed: the name in `?topics=`, the letter in positions, and the `event:` that it comes as. */
export const STREAM_TOPICS = {
  telemetry: { topic: 'fieldgate.telemetry.v1', letter: 't', event: 'telemetry' },
  events: { topic: 'fieldgate.events.v1', letter: 'e', event: 'event' },
  alerts: { topic: 'fieldgate.alerts.v1', letter: 'a', event: 'alert' },
  commands: { topic: 'fieldgate.commands.v1', letter: 'c', event: 'command' },
} as const satisfies Record<string, { topic: LogTopic; letter: string; event: string }>;
export type StreamTopic = keyof typeof STREAM_TOPICS;
export const STREAM_TOPIC_NAMES = Object.keys(STREAM_TOPICS) as StreamTopic[]; // the keys of the object above

const MOST_DEVICES = 100;
const MOST_LABELS = 32;

const topicsSchema = z
  .string()
  .transform((text) => text.split(','))
  .pipe(z.array(z.enum(STREAM_TOPIC_NAMES, `must be some of ${STREAM_TOPIC_NAMES.join(',')}`)))
  .transform((names) => [...new Set(names)]);

export const streamQuerySchema = z.strictObject({
  topics: topicsSchema.default(STREAM_TOPIC_NAMES),
  device: repeated(deviceIdSchema, MOST_DEVICES).optional(),
  /** `name` or `name:value`; a device must match them all. */
  label: repeated(
    z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,62}(:.{0,256})?$/, 'must be name or name:value'),
    MOST_LABELS,
  ).optional(),
  /** For clients that can not send the header `Last-Event-ID`; the header wins. */
  lastEventId: z
    .string()
    .refine((text) => parsePositions(text) !== undefined, 'must be the id of an earlier event')
    .optional(),
});
export type StreamRequest = z.output<typeof streamQuerySchema>;
