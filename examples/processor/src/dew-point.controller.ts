import { Controller, Inject, UseFilters } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import {
  appended,
  COMMIT_LOG,
  KeepErrorType,
  type BatchOutcome,
  type CommitLog,
  type LogBatch,
  type LogPosition,
} from '@fieldgate/commit-log';
import { decodeTelemetry, isRejection, reject } from '@fieldgate/contracts';
import { DeliverBatch, type Refusal } from '@fieldgate/processors/delivery';
import { dewPointOf } from './dew-point.js';

/** The name is where the offsets are kept, and the symbol is what the handlers below are found by. */
export const DEW_POINT = {
  group: 'fieldgate.dew-point',
  transport: Symbol('fieldgate.dew-point'),
} as const;

@Controller()
@UseFilters(KeepErrorType)
export class DewPointController {
  constructor(
    @Inject(COMMIT_LOG) private readonly log: CommitLog,
    @Inject(DeliverBatch) private readonly delivery: DeliverBatch,
  ) {}

  @EventPattern<string>('fieldgate.telemetry.v1', DEW_POINT.transport)
  telemetry(@Payload() batch: LogBatch): Promise<BatchOutcome> {
    return this.delivery.deliver(batch, async ({ records }) => {
      const refused: Refusal[] = [];
      const written: Promise<LogPosition>[] = [];
      for (const [index, { value }] of records.entries()) {
        const record = value ? decodeTelemetry(value) : reject('record-unreadable', 'a tombstone');
        if (isRejection(record)) {
          refused.push({ index, code: record.code, detail: record.detail });
          continue;
        }
        const derived = dewPointOf(record, DEW_POINT.group);
        if (derived) written.push(appended(this.log.writer, derived));
      }
      await Promise.all(written); // durable from here: only now may the offset move
      return refused;
    });
  }
}
