import { deadLetterOriginSchema } from '@fieldgate/contracts';
import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import type { DeadLetter, DeadLetterSummary } from './read-dead-letters.js';

const summary = {
  id: z.string(),
  deviceId: z.string(),
  time: z.iso.datetime(),
  gateway: z.string().optional(),
  code: z.string(),
  detail: z.string(),
  origin: deadLetterOriginSchema,
  payloadBytes: z.number().int(),
};
export const deadLettersAnswerSchema = z.object({
  deadLetters: z.array(z.object(summary)),
  next: z.string().optional(),
});
export const deadLetterAnswerSchema = z.object({
  ...summary,
  payloadBase64: z.string(),
  /** When the bytes are UTF-8. */
  payloadText: z.string().optional(),
});
export const redriveAnswerSchema = z.object({
  id: z.string(),
  outcome: z.enum(['redriven', 'would-be-redriven', 'refused', 'not-redrivable']),
  topic: z.string().optional(),
  /** When it is not one: of a letter for several elements of an array. */
  records: z.number().int().optional(),
  code: z.string().optional(),
  detail: z.string().optional(),
});
export const redriveManyAnswerSchema = z.object({
  deadLetters: z.array(redriveAnswerSchema),
  next: z.string().optional(),
});

export function summaryAnswer(
  letter: DeadLetterSummary,
): z.output<typeof deadLettersAnswerSchema>['deadLetters'][number] {
  const { partition, offset, deviceId, time, gateway, code, detail, origin, payloadBytes } = letter;
  return {
    id: `${partition}-${offset}`,
    deviceId,
    time,
    ...(gateway === undefined ? {} : { gateway }),
    code,
    detail,
    origin,
    payloadBytes,
  };
}

export function letterAnswer({
  summary: shown,
  payload,
}: DeadLetter): z.output<typeof deadLetterAnswerSchema> {
  return {
    ...summaryAnswer(shown),
    payloadBase64: payload.toString('base64'),
    ...(isUtf8(payload) ? { payloadText: payload.toString('utf8') } : {}),
  };
}
