import { noLedger } from '@fieldgate/contracts';
import { Get, Param } from '@nestjs/common';
import { PresenceOfDevices } from '../devices/presence.js';
import { Registry } from '../devices/registry.js';
import { Describe } from '../http/route-description.js';
import { OperatorController } from '../operator-controller.js';
import { ledgerAnswer, ledgerAnswerSchema, type LedgerAnswer } from './ledger-answer.js';
import { LedgerTable } from './ledger-table.js';

@OperatorController('devices')
export class DeviceLedgerController {
  constructor(
    private readonly registry: Registry,
    private readonly presence: PresenceOfDevices,
    private readonly table: LedgerTable,
  ) {}

  @Describe({
    summary: 'What became of everything that a device has sent',
    description:
      'By connection: what its gateway has received and answered, what is in the log and in the store; and what is missing of `seq`. Some seconds behind; counters of gateways come once a minute.',
    answers: { 200: { description: 'The ledger', schema: ledgerAnswerSchema } },
  })
  @Get(':id/ledger')
  ledgerOf(@Param('id') id: string): LedgerAnswer {
    const { id: deviceId } = this.registry.get(id);
    const live = this.presence.session(deviceId)?.connection;
    return ledgerAnswer(this.table.of(deviceId) ?? noLedger(deviceId), live);
  }
}
