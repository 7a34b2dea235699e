import { z } from 'zod';
import { cloudEventSchema, deviceSource, encodeCloudEvent } from './cloud-event.js';
import type { ErrorCode } from './errors.js';
import { MAX_ARRAY_LENGTH } from './telemetry/parse-telemetry.js';

/** Where the bytes came from: a PUBLISH that the gateway refused, a record that a processor refused, or one from a gateway's spool that the log refused. */
export const deadLetterOriginSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('mqtt'),
    topic: z.string(),
    qos: z.number(),
    /** MQTT 5, as it came: with the topic it says the format of the payload. */
    contentType: z.string().optional(),
    /** Of an array or a SenML pack, counted from 0: these were refused with this code, their neighbours not. */
    elements: z.array(z.number().int().nonnegative()).min(1).max(MAX_ARRAY_LENGTH).optional(),
  }),
  z.object({
    kind: z.literal('log'),
    topic: z.string(),
    partition: z.number(),
    offset: z.number(),
    group: z.string(),
  }),
  z.object({ kind: z.literal('spool'), topic: z.string() }),
]);
export type DeadLetterOrigin = z.infer<typeof deadLetterOriginSchema>;

export const deadLetterRecordSchema = cloudEventSchema.extend({
  type: z.literal('fieldgate.dead-letters.v1'),
  data: z.object({
    code: z.string(),
    detail: z.string(),
    origin: deadLetterOriginSchema,
    /** base64 of the bytes as they came. */
    payload: z.string(),
  }),
});
export type DeadLetterRecord = z.infer<typeof deadLetterRecordSchema>;

export interface NewDeadLetter {
  readonly deviceId: string;
  readonly id: string;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly origin: DeadLetterOrigin;
  readonly payload: Uint8Array;
  readonly atMs: number;
  readonly gatewayId?: string;
  /** That the device sent it over. */
  readonly connection?: string;
}

/** Which elements a detail is about: it is that of the first of them, and the others have the same code. */
export function detailOfElements(detail: string, elements: readonly number[]): string {
  const others = elements.length > 1 ? ` and ${elements.length - 1} more` : '';
  return `${detail} (element ${elements[0]}${others})`;
}

export function encodeDeadLetter(letter: NewDeadLetter): Uint8Array {
  const at = new Date(letter.atMs).toISOString();
  return encodeCloudEvent({
    specversion: '1.0',
    type: 'fieldgate.dead-letters.v1',
    source: deviceSource(letter.deviceId),
    subject: letter.deviceId,
    id: letter.id,
    time: at,
    receivedtime: at,
    ...(letter.gatewayId === undefined ? {} : { gateway: letter.gatewayId }),
    ...(letter.connection === undefined ? {} : { connection: letter.connection }),
    datacontenttype: 'application/json',
    data: {
      code: letter.code,
      detail: letter.detail,
      origin: letter.origin,
      payload: Buffer.from(letter.payload).toString('base64'),
    },
  });
}
