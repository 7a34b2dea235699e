import {
  Controller,
  Inject,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  UseFilters,
} from '@nestjs/common';
import { EventPattern, Payload } from '@nestjs/microservices';
import { deviceRecordSchema, FieldgateError, type DeviceRecord } from '@fieldgate/contracts';
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
  backOffMs,
  CLOCK,
  LOGGER,
  MONOTONIC,
  pause,
  SUPERVISOR,
  Supervisor,
  type Clock,
  type Logger,
} from '@fieldgate/service';
import { ALERTS } from '../consumer-groups.js';
import { DeliverBatch } from '../delivery/deliver-batch.js';
import { CurrentRules } from '../notify/current-rules.js';
import { PROCESSORS_CONFIG, type ProcessorsConfig } from '../processors.config.js';
import { supervisedTable } from '../supervised-table.js';
import { RulesFile } from './rules-file.js';
import { RulesInForce } from './rules-in-force.js';
import { ALERT_TUNING, WatchAlerts } from './watch-alerts.js';

const RESOLUTION_MS = 250;
/** An orderly stop does not wait longer for the last checkpoint: without it the next start reads a little more. */
const LAST_CHECKPOINT_MS = 2_000;

/** The consumer group that judges readings and events by the rules. */
@Controller()
@UseFilters(KeepErrorType)
export class AlertsController implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly delivery: DeliverBatch;
  private readonly devices: LogTable<DeviceRecord>;
  private readonly watch: WatchAlerts;
  private readonly file: RulesFile | undefined;
  private readonly rules: RulesInForce;
  private readonly stopping = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private looking = false;
  private readyNow: () => void = () => undefined;
  private neverReady: (error: unknown) => void = () => undefined;
  /** Rules and devices come first; a stop does not wait for them. */
  private readonly ready = new Promise<void>((resolve, reject) => {
    this.readyNow = resolve;
    this.neverReady = reject;
  });

  constructor(
    @Inject(COMMIT_LOG) log: CommitLog,
    @Inject(LogStart) private readonly logStart: LogStart,
    @Inject(CLOCK) clock: Clock,
    @Inject(MONOTONIC) monotonic: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(SUPERVISOR) private readonly supervisor: Supervisor,
    @Inject(PROCESSORS_CONFIG) config: ProcessorsConfig,
    @Inject(CurrentRules) currentRules: CurrentRules,
  ) {
    this.ready.catch(() => undefined); // no batch may be waiting
    this.delivery = new DeliverBatch(ALERTS.group, log, clock, logger);
    this.devices = supervisedTable('fieldgate.devices.v1', deviceRecordSchema, {
      log,
      task: 'alerts',
      supervisor,
      logger,
    });
    const tuning = { ...ALERT_TUNING, settleMs: config.alertSettleMs };
    this.watch = new WatchAlerts({ log, devices: this.devices, clock, monotonic, logger }, tuning);
    this.file = config.rulesFile === undefined ? undefined : new RulesFile(config.rulesFile);
    this.rules = new RulesInForce({
      log,
      clock,
      logger,
      file: this.file,
      changed: (rules) => {
        this.watch.useRules(rules);
        currentRules.use(rules);
      },
    });
  }

  @EventPattern<string>('fieldgate.telemetry.v1', ALERTS.transport)
  telemetry(@Payload() batch: LogBatch): Promise<BatchOutcome> {
    return this.deliver(batch);
  }

  @EventPattern<string>('fieldgate.events.v1', ALERTS.transport)
  events(@Payload() batch: LogBatch): Promise<BatchOutcome> {
    return this.deliver(batch);
  }

  onApplicationBootstrap(): void {
    this.supervisor.run('alerts', async () => {
      await this.logStart.started;
      await this.devices.start();
      this.devices.changes(({ key }) => this.watch.deviceChanged(key));
      await this.retried(() => this.devices.caughtUp());
      await this.retried(() => this.rules.start());
      if (this.stopping.signal.aborted) return;
      this.readyNow();
      this.file?.watch(() => this.supervisor.run('alerts', () => this.look()));
      this.timer = setInterval(() => this.supervisor.run('alerts', () => this.watch.due()), RESOLUTION_MS);
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    this.neverReady(new FieldgateError('not-ready', 'stopping')); // a batch that waits comes again at the next start
    clearInterval(this.timer);
    this.file?.stop();
    await this.devices.stop();
    const inTime = new AbortController();
    const written = this.watch
      .checkpoint()
      .catch((error: unknown) => this.logger.warn({ err: error }, 'last checkpoint not written'))
      .finally(() => inTime.abort());
    await Promise.race([written, pause(LAST_CHECKPOINT_MS, inTime.signal)]);
  }

  private async deliver(batch: LogBatch): Promise<BatchOutcome> {
    await this.ready;
    return this.delivery.deliver(batch, (records) => this.watch.follow(records));
  }

  private async look(): Promise<void> {
    if (this.looking) return; // the poll comes again
    this.looking = true;
    try {
      await this.rules.look();
    } catch (error) {
      if (!(error instanceof FieldgateError) || !error.retriable) throw error;
      this.logger.warn({ err: error }, 'rules in force not written');
    } finally {
      this.looking = false;
    }
  }

  /** While the log is away at the start, this waits like everyone else. */
  private async retried(work: () => Promise<void>): Promise<void> {
    for (let attempt = 0; !this.stopping.signal.aborted; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof FieldgateError) || !error.retriable) throw error;
        await pause(backOffMs(attempt), this.stopping.signal);
      }
    }
  }
}
