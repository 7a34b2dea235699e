import { Body, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Describe } from '../http/route-description.js';
import { OperatorController } from '../operator-controller.js';
import { AcknowledgeAlert } from './acknowledge-alert.js';
import { alertAnswer, alertAnswerSchema, alertsAnswerSchema, type AlertAnswer } from './alert-answer.js';
import {
  acknowledgeSchema,
  alertsQuerySchema,
  type Acknowledge,
  type AlertsRequest,
} from './alert-requests.js';
import { FindAlerts } from './find-alerts.js';

@OperatorController('alerts')
export class AlertsController {
  constructor(
    private readonly alerts: FindAlerts,
    private readonly acknowledgement: AcknowledgeAlert,
  ) {}

  @Describe({
    summary: 'Alerts, the newest raised first',
    description:
      'Open and acknowledged ones of any age, and those that were raised in the last 24 hours and are cleared again. `from` and `to` are of `raisedAt`.',
    query: alertsQuerySchema,
    answers: { 200: { description: 'The alerts', schema: alertsAnswerSchema } },
  })
  @Get()
  async list(
    @Query({ schema: alertsQuerySchema }) query: AlertsRequest,
  ): Promise<{ readonly alerts: readonly AlertAnswer[] }> {
    return { alerts: (await this.alerts.list(query)).map(alertAnswer) };
  }

  @Describe({
    summary: 'One alert',
    answers: { 200: { description: 'The alert', schema: alertAnswerSchema } },
  })
  @Get(':id')
  async one(@Param('id') id: string): Promise<AlertAnswer> {
    return alertAnswer(await this.alerts.get(id));
  }

  @Describe({
    summary: 'Acknowledge an alert: somebody takes care of it',
    description:
      'The first acknowledgement stays; a second one changes nothing and is answered with the first.',
    body: acknowledgeSchema,
    answers: { 200: { description: 'The alert with its acknowledgement', schema: alertAnswerSchema } },
  })
  @Post(':id/acknowledge')
  @HttpCode(200)
  async acknowledge(
    @Param('id') id: string,
    @Body({ schema: acknowledgeSchema }) { note }: Acknowledge,
  ): Promise<AlertAnswer> {
    return alertAnswer(await this.acknowledgement.acknowledge(id, note));
  }
}
