import { deviceIdSchema } from '@fieldgate/contracts';
import { Get, Param, Query } from '@nestjs/common';
import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { OperatorController } from '../operator-controller.js';
import { Problem } from '../http/problem.js';
import { limitSchema } from '../http/query-schemas.js';
import { ReadDeadLetters, type DeadLetterSummary, type PageStart } from './read-dead-letters.js';

/** `next` of a page: `0-1200_3-88`, the offset per partition before which the next page begins. */
const pageStartSchema = z
  .string()
  .max(4096)
  .regex(/^\d{1,6}-\d{1,15}(_\d{1,6}-\d{1,15})*$/, 'must be "next" of an earlier answer')
  .transform((text): PageStart => new Map(text.split('_').map(positionOf)));

const deadLettersQuerySchema = z.strictObject({
  device: deviceIdSchema.optional(),
  code: z.string().min(1).max(64).optional(),
  limit: limitSchema(100, 1000),
  before: pageStartSchema.optional(),
});

/** What was refused for good, with the reason and the bytes. */
@OperatorController('dead-letters')
export class DeadLettersController {
  constructor(private readonly deadLetters: ReadDeadLetters) {}

  /** The newest first, without their bytes. */
  @Get()
  async list(
    @Query({ schema: deadLettersQuerySchema }) query: z.output<typeof deadLettersQuerySchema>,
  ): Promise<unknown> {
    const { letters, next } = await this.deadLetters.page({ ...query, before: query.before });
    return {
      deadLetters: letters.map(summaryAnswer),
      ...(next === undefined ? {} : { next: [...next].map((position) => position.join('-')).join('_') }),
    };
  }

  @Get(':id')
  async one(@Param('id') id: string): Promise<unknown> {
    const [partition, offset] = /^\d{1,6}-\d{1,15}$/.test(id) ? positionOf(id) : [];
    const letter =
      partition === undefined || offset === undefined
        ? undefined
        : await this.deadLetters.get({ partition, offset });
    if (!letter)
      throw new Problem('not-found', 'there is no dead letter of this id; they are kept for 30 days');
    return {
      ...summaryAnswer(letter.summary),
      payloadBase64: letter.payload.toString('base64'),
      ...(isUtf8(letter.payload) ? { payloadText: letter.payload.toString('utf8') } : {}),
    };
  }
}

function positionOf(text: string): [partition: number, offset: number] {
  const dash = text.indexOf('-');
  return [Number(text.slice(0, dash)), Number(text.slice(dash + 1))];
}

function summaryAnswer(letter: DeadLetterSummary): Readonly<Record<string, unknown>> {
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
