import {
  Controller,
  Inject,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  UseFilters,
} from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { deviceRecordSchema, type DeviceRecord } from '@fieldgate/contracts';
import {
  COMMIT_LOG,
  KeepErrorType,
  LogStart,
  type BatchOutcome,
  type CommitLog,
  type LogBatch,
  type LogTable,
} from '@fieldgate/commit-log';
import {
  CLOCK,
  LOGGER,
  MONOTONIC,
  pause,
  SUPERVISOR,
  Supervisor,
  type Clock,
  type Logger,
} from '@fieldgate/service';
import { LEDGER } from '../consumer-groups.js';
import { DeliverBatch } from '../delivery/deliver-batch.js';
import { supervisedTable } from '../supervised-table.js';
import { CountLedger } from './count-ledger.js';

const RESOLUTION_MS = 500;
/** An orderly stop does not wait longer for the last checkpoint: without it the next start counts a little again. */
const LAST_CHECKPOINT_MS = 2_000;

/** The consumer group that counts what became of the records of each device. */
@Controller()
@UseFilters(KeepErrorType)
export class LedgerController implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly delivery: DeliverBatch;
  private readonly devices: LogTable<DeviceRecord>;
  private readonly ledger: CountLedger;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(COMMIT_LOG) log: CommitLog,
    @Inject(LogStart) private readonly logStart: LogStart,
    @Inject(CLOCK) clock: Clock,
    @Inject(MONOTONIC) monotonic: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(SUPERVISOR) private readonly supervisor: Supervisor,
  ) {
    this.delivery = new DeliverBatch(LEDGER.group, log, clock, logger);
    this.devices = supervisedTable('fieldgate.devices.v1', deviceRecordSchema, {
      log,
      task: 'ledger',
      supervisor,
      logger,
    });
    this.ledger = new CountLedger({ log, devices: this.devices, clock, monotonic, logger });
  }

  /** What else belongs to the same devices is read beside it: see `SideRecords`. */
  @EventPattern<string>('fieldgate.telemetry.v1', LEDGER.transport)
  telemetry(@Payload() batch: LogBatch): Promise<BatchOutcome> {
    return this.delivery.deliver(batch, async (records) => {
      await this.ledger.follow(records);
      return [];
    });
  }

  onApplicationBootstrap(): void {
    this.supervisor.run('ledger', async () => {
      await this.logStart.started;
      await this.devices.start();
      this.timer = setInterval(() => this.supervisor.run('ledger', () => this.ledger.due()), RESOLUTION_MS);
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.devices.stop();
    const inTime = new AbortController();
    const written = this.ledger
      .checkpoint()
      .catch((error: unknown) => this.logger.warn({ err: error }, 'last ledger checkpoint not written'))
      .finally(() => inTime.abort());
    await Promise.race([written, pause(LAST_CHECKPOINT_MS, inTime.signal)]);
  }
}
