import { Controller, Inject, UseFilters } from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import {
  COMMIT_LOG,
  KeepErrorType,
  type BatchOutcome,
  type CommitLog,
  type LogBatch,
} from '@fieldgate/commit-log';
import { CLOCK, LOGGER, type Clock, type Logger } from '@fieldgate/service';
import { StoreStart, TELEMETRY_STORE, type TelemetryStore } from '@fieldgate/telemetry-store';
import { STORAGE } from '../consumer-groups.js';
import { DeliverBatch } from '../delivery/deliver-batch.js';
import { StoreBatch } from './store-batch.js';

/** The consumer group that fills the telemetry store. */
@Controller()
@UseFilters(KeepErrorType)
export class StorageController {
  private readonly delivery: DeliverBatch;
  private readonly batches: StoreBatch;

  constructor(
    @Inject(COMMIT_LOG) log: CommitLog,
    @Inject(TELEMETRY_STORE) store: TelemetryStore,
    @Inject(StoreStart) private readonly storeStart: StoreStart,
    @Inject(CLOCK) clock: Clock,
    @Inject(LOGGER) logger: Logger,
  ) {
    this.delivery = new DeliverBatch(STORAGE.group, log, clock, logger);
    this.batches = new StoreBatch(log.reader, store);
  }

  @EventPattern<string>('fieldgate.telemetry.v1', STORAGE.transport)
  telemetry(@Payload() batch: LogBatch): Promise<BatchOutcome> {
    return this.deliver(batch, (records) => this.batches.readings(records));
  }

  @EventPattern<string>('fieldgate.events.v1', STORAGE.transport)
  events(@Payload() batch: LogBatch): Promise<BatchOutcome> {
    return this.deliver(batch, (records) => this.batches.readings(records));
  }

  @EventPattern<string>('fieldgate.commands.v1', STORAGE.transport)
  commands(@Payload() batch: LogBatch): Promise<BatchOutcome> {
    return this.deliver(batch, (records) => this.batches.finishedCommands(records));
  }

  @EventPattern<string>('fieldgate.alerts.v1', STORAGE.transport)
  alerts(@Payload() batch: LogBatch): Promise<BatchOutcome> {
    return this.deliver(batch, (records) => this.batches.alerts(records));
  }

  private async deliver(
    batch: LogBatch,
    handle: Parameters<DeliverBatch['deliver']>[1],
  ): Promise<BatchOutcome> {
    await this.storeStart.started;
    return this.delivery.deliver(batch, handle);
  }
}
