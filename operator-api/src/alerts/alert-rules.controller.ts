import { Body, Get, HttpCode, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { goneSignal } from '../http/gone-signal.js';
import { Describe } from '../http/route-description.js';
import { OperatorController } from '../operator-controller.js';
import { alertAnswer, alertAnswerSchema } from './alert-answer.js';
import { testRulesSchema, type TestRulesRequest } from './alert-requests.js';
import { AlertStates } from './alert-states.js';
import { TestRules } from './test-rules.js';

const rulesAnswerSchema = z.object({
  rules: z.string().nullable(),
  loadedAt: z.iso.datetime().optional(),
  problem: z.string().optional(),
});

const testAnswerSchema = z.object({
  readings: z.number(),
  events: z.number(),
  raised: z.array(alertAnswerSchema),
  onlyHere: z.array(alertAnswerSchema),
  onlyInForce: z.array(alertAnswerSchema),
  truncated: z.literal(true).optional(),
});

/** The rules by which alerts are raised. They come from a file of the processors, never from here. */
@OperatorController('alert-rules')
export class AlertRulesController {
  constructor(
    private readonly states: AlertStates,
    private readonly testing: TestRules,
  ) {}

  @Describe({
    summary: 'The alert rules in force',
    description:
      '`rules` is the YAML; null without a rules file, or when there never was a usable one. `problem` says why a newer file is not in force.',
    answers: { 200: { description: 'The rules', schema: rulesAnswerSchema } },
  })
  @Get()
  inForce(): z.output<typeof rulesAnswerSchema> {
    const row = this.states.rules();
    if (!row) return { rules: null };
    const { text, loadedAt, problem } = row;
    return {
      rules: text === '' ? null : text, // see rulesOfRow
      loadedAt: new Date(loadedAt).toISOString(),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  @Describe({
    summary: 'Test rules over what is in the log',
    description:
      'What these rules would have raised over what arrived in the range (the last 24 hours unless told), and what differs from the rules in force. Changes nothing.',
    body: testRulesSchema,
    answers: {
      200: { description: 'The alerts that these rules would have raised', schema: testAnswerSchema },
    },
  })
  @Post('test')
  @HttpCode(200)
  async test(
    @Body({ schema: testRulesSchema }) request: TestRulesRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.output<typeof testAnswerSchema>> {
    const { readings, events, truncated, ...lists } = await this.testing.test(request, goneSignal(reply));
    return {
      readings,
      events,
      raised: lists.raised.map(alertAnswer),
      onlyHere: lists.onlyHere.map(alertAnswer),
      onlyInForce: lists.onlyInForce.map(alertAnswer),
      ...(truncated ? { truncated } : {}),
    };
  }
}
