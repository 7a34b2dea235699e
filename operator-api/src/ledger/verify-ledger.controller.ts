import { Get, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { goneSignal } from '../http/gone-signal.js';
import { Describe } from '../http/route-description.js';
import { OperatorController } from '../operator-controller.js';
import { ledgerVerifiedAnswer, ledgerVerifiedSchema } from './verify-answer.js';
import { VerifyLedger } from './verify-ledger.js';
import { verifyQuerySchema, type VerifyRequest } from './verify-requests.js';

/** Whether everything that is in the log is in the store. */
@OperatorController('ledger')
export class VerifyLedgerController {
  constructor(private readonly verifying: VerifyLedger) {}

  @Describe({
    summary: 'Compare the log with the store, and name what is missing',
    description:
      'Readings, events, ends of commands and steps of alerts that came into the log in the range: the hour until a minute ago unless told. Changes nothing. With `next` there is more to look at: the same call with `start` goes on there.',
    query: verifyQuerySchema,
    answers: { 200: { description: 'How many records are where', schema: ledgerVerifiedSchema } },
  })
  @Get('verify')
  async verify(
    @Query({ schema: verifyQuerySchema }) request: VerifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.output<typeof ledgerVerifiedSchema>> {
    return ledgerVerifiedAnswer(await this.verifying.verify(request, goneSignal(reply)));
  }
}
