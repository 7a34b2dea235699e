import { Get } from '@nestjs/common';
import { z } from 'zod';
import { Describe } from '../http/route-description.js';
import { OperatorController } from '../operator-controller.js';
import { AlertStates } from './alert-states.js';

const rulesAnswerSchema = z.object({
  rules: z.string().nullable(),
  loadedAt: z.iso.datetime().optional(),
  problem: z.string().optional(),
});

/** The rules by which alerts are raised. They come from a file of the processors, never from here. */
@OperatorController('alert-rules')
export class AlertRulesController {
  constructor(private readonly states: AlertStates) {}

  @Describe({
    summary: 'The alert rules in force',
    description:
      '`rules` is the YAML; null without a rules file. `problem` says why a newer file is not in force.',
    answers: { 200: { description: 'The rules', schema: rulesAnswerSchema } },
  })
  @Get()
  inForce(): z.output<typeof rulesAnswerSchema> {
    const row = this.states.rules();
    if (!row) return { rules: null };
    const { text, loadedAt, problem } = row;
    return {
      rules: text,
      loadedAt: new Date(loadedAt).toISOString(),
      ...(problem === undefined ? {} : { problem }),
    };
  }
}
