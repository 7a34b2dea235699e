import { Body, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { invalidRequest, Problem } from '../http/problem.js';
import { Describe } from '../http/route-description.js';
import { OperatorController } from '../operator-controller.js';
import {
  deadLetterAnswerSchema,
  deadLettersAnswerSchema,
  letterAnswer,
  redriveAnswerSchema,
  redriveManyAnswerSchema,
  summaryAnswer,
} from './dead-letter-answer.js';
import {
  deadLettersQuerySchema,
  pageStartText,
  positionOf,
  redriveManySchema,
  redriveSchema,
  type DeadLettersRequest,
  type Redrive,
  type RedriveMany,
} from './dead-letter-requests.js';
import { ReadDeadLetters, type DeadLetter, type LetterFilter } from './read-dead-letters.js';
import { RedriveDeadLetters, type RedriveOutcome } from './redrive-dead-letters.js';

/** What was refused for good, with the reason and the bytes. */
@OperatorController('dead-letters')
export class DeadLettersController {
  constructor(
    private readonly deadLetters: ReadDeadLetters,
    private readonly redriving: RedriveDeadLetters,
  ) {}

  @Describe({
    summary: 'Dead letters, the newest first, without their bytes',
    query: deadLettersQuerySchema,
    answers: { 200: { description: 'A page of them', schema: deadLettersAnswerSchema } },
  })
  @Get()
  async list(@Query({ schema: deadLettersQuerySchema }) query: DeadLettersRequest): Promise<unknown> {
    const { limit, before } = query;
    const { letters, next } = await this.deadLetters.page({ ...filterOf(query), limit, before });
    return {
      deadLetters: letters.map(summaryAnswer),
      ...(next === undefined ? {} : { next: pageStartText(next) }),
    };
  }

  @Describe({
    summary: 'Drive the dead letters that the filters find again',
    description:
      'Each is judged as if it came now; what is accepted goes to the topic where it belongs, with the times that it had. The oldest of the page first.',
    body: redriveManySchema,
    answers: { 200: { description: 'What became of each', schema: redriveManyAnswerSchema } },
  })
  @Post('redrive')
  @HttpCode(200)
  async redriveMany(@Body({ schema: redriveManySchema }) body: RedriveMany): Promise<unknown> {
    const { limit, before, dryRun } = body;
    const { outcomes, next } = await this.redriving.many({ ...filterOf(body), limit, before }, dryRun);
    return { deadLetters: outcomes, ...(next === undefined ? {} : { next: pageStartText(next) }) };
  }

  @Describe({
    summary: 'One dead letter with its bytes',
    answers: { 200: { description: 'The letter', schema: deadLetterAnswerSchema } },
  })
  @Get(':id')
  async one(@Param('id') id: string): Promise<unknown> {
    return letterAnswer(await this.letter(id));
  }

  @Describe({
    summary: 'Drive one dead letter again',
    body: redriveSchema,
    answers: { 200: { description: 'What became of it', schema: redriveAnswerSchema } },
  })
  @Post(':id/redrive')
  @HttpCode(200)
  async redrive(
    @Param('id') id: string,
    @Body({ schema: redriveSchema }) { dryRun }: Redrive,
  ): Promise<RedriveOutcome> {
    return this.redriving.one(await this.letter(id), dryRun);
  }

  /** Or 404. */
  private async letter(id: string): Promise<DeadLetter> {
    const [partition, offset] = /^\d{1,6}-\d{1,15}$/.test(id) ? positionOf(id) : [];
    const letter =
      partition === undefined || offset === undefined
        ? undefined
        : await this.deadLetters.get({ partition, offset });
    if (!letter)
      throw new Problem('not-found', 'there is no dead letter of this id; they are kept for 30 days');
    return letter;
  }
}

function filterOf({
  device,
  code,
  origin,
  from,
  to,
}: Omit<DeadLettersRequest, 'limit' | 'before'>): LetterFilter {
  if (from !== undefined && to !== undefined && from >= to)
    throw invalidRequest([{ path: ['to'], message: 'must be later than from' }]);
  return { device, code, origin, fromMs: from, toMs: to };
}
