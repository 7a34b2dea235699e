import {
  Controller,
  Inject,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  UseFilters,
} from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { gatewayHeartbeatSchema, type GatewayHeartbeat } from '@fieldgate/contracts';
import {
  COMMIT_LOG,
  HeardGateways,
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
  SUPERVISOR,
  Supervisor,
  type Clock,
  type Logger,
} from '@fieldgate/service';
import { PRESENCE } from '../consumer-groups.js';
import { DeliverBatch } from '../delivery/deliver-batch.js';
import { supervisedTable } from '../supervised-table.js';
import { WatchGateways } from './watch-gateways.js';

const RESOLUTION_MS = 1_000;

/** The consumer group that tells who is no longer connected. */
@Controller()
@UseFilters(KeepErrorType)
export class PresenceController implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly delivery: DeliverBatch;
  private readonly gateways: LogTable<GatewayHeartbeat>;
  private readonly watch: WatchGateways;
  private timer: NodeJS.Timeout | undefined;
  private busy = false;

  constructor(
    @Inject(COMMIT_LOG) log: CommitLog,
    @Inject(LogStart) private readonly logStart: LogStart,
    @Inject(CLOCK) clock: Clock,
    @Inject(MONOTONIC) monotonic: Clock,
    @Inject(LOGGER) logger: Logger,
    @Inject(SUPERVISOR) private readonly supervisor: Supervisor,
  ) {
    this.delivery = new DeliverBatch(PRESENCE.group, log, clock, logger);
    this.gateways = supervisedTable('fieldgate.gateways.v1', gatewayHeartbeatSchema, {
      log,
      task: 'presence',
      supervisor,
      logger,
    });
    const heard = new HeardGateways(this.gateways, monotonic, () => log.problem());
    this.watch = new WatchGateways({ log, gateways: this.gateways, heard, clock, logger });
  }

  @EventPattern<string>('fieldgate.sessions.v1', PRESENCE.transport)
  sessions(@Payload() batch: LogBatch): Promise<BatchOutcome> {
    return this.delivery.deliver(batch, (records) => this.watch.follow(records));
  }

  onApplicationBootstrap(): void {
    this.supervisor.run('presence', async () => {
      await this.logStart.started;
      await this.gateways.start();
      this.timer = setInterval(() => {
        if (this.busy) return;
        this.busy = true;
        this.supervisor.run('presence', () => this.watch.due().finally(() => (this.busy = false)));
      }, RESOLUTION_MS);
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.gateways.stop();
  }
}
