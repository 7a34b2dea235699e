import {
  Controller,
  Inject,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  UseFilters,
} from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import {
  COMMIT_LOG,
  KeepErrorType,
  type BatchOutcome,
  type CommitLog,
  type LogBatch,
} from '@fieldgate/commit-log';
import { CLOCK, LOGGER, SUPERVISOR, Supervisor, type Clock, type Logger } from '@fieldgate/service';
import { COMMAND_DEADLINES } from '../consumer-groups.js';
import { DeliverBatch } from '../delivery/deliver-batch.js';
import { WatchDeadlines } from './watch-deadlines.js';

/** How late a deadline may be noticed, ms. */
const RESOLUTION_MS = 100;

/** The consumer group that keeps the time of commands. */
@Controller()
@UseFilters(KeepErrorType)
export class CommandDeadlinesController implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly delivery: DeliverBatch;
  private readonly deadlines: WatchDeadlines;
  private timer: NodeJS.Timeout | undefined;
  private busy = false;

  constructor(
    @Inject(COMMIT_LOG) log: CommitLog,
    @Inject(CLOCK) clock: Clock,
    @Inject(LOGGER) logger: Logger,
    @Inject(SUPERVISOR) private readonly supervisor: Supervisor,
  ) {
    this.delivery = new DeliverBatch(COMMAND_DEADLINES.group, log, clock, logger);
    this.deadlines = new WatchDeadlines(log, clock, logger);
  }

  @EventPattern<string>('fieldgate.commands.v1', COMMAND_DEADLINES.transport)
  steps(@Payload() batch: LogBatch): Promise<BatchOutcome> {
    return this.delivery.deliver(batch, (records) => this.deadlines.follow(records));
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      if (this.busy) return;
      this.busy = true;
      this.supervisor.run('command deadlines', () => this.deadlines.due().finally(() => (this.busy = false)));
    }, RESOLUTION_MS);
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
  }
}
