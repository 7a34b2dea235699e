import {
  Inject,
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { COMMIT_LOG, LogStart, type CommitLog } from '@fieldgate/commit-log';
import {
  CLOCK,
  LOGGER,
  MONOTONIC,
  SUPERVISOR,
  Supervisor,
  type Clock,
  type Logger,
} from '@fieldgate/service';
import { CurrentRules, CurrentRulesModule } from './current-rules.js';
import { NOTIFY_CONFIG, type NotifyConfig } from './notify.config.js';
import { NotifySinks } from './notify-sinks.js';

/** The sinks live as long as the process: from when the log can be used. */
@Injectable()
class NotifyLife implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly sinks: NotifySinks;

  constructor(
    @Inject(COMMIT_LOG) log: CommitLog,
    @Inject(LogStart) private readonly logStart: LogStart,
    @Inject(CurrentRules) rules: CurrentRules,
    @Inject(NOTIFY_CONFIG) config: NotifyConfig,
    @Inject(CLOCK) clock: Clock,
    @Inject(MONOTONIC) monotonic: Clock,
    @Inject(LOGGER) logger: Logger,
    @Inject(SUPERVISOR) private readonly supervisor: Supervisor,
  ) {
    this.sinks = new NotifySinks({ log, rules, config, clock, monotonic, logger, supervisor });
  }

  onApplicationBootstrap(): void {
    this.supervisor.run('notifications', async () => {
      await this.logStart.started;
      await this.sinks.start();
    });
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.sinks.stop();
  }
}

/** Needs the global ServiceModule and CommitLogModule. Whoever reads the rules hands them to `CurrentRules`. */
@Module({})
export class NotifyModule {
  static forRoot(config: NotifyConfig): DynamicModule {
    return {
      module: NotifyModule,
      imports: [CurrentRulesModule],
      providers: [{ provide: NOTIFY_CONFIG, useValue: config }, NotifyLife],
    };
  }
}
