import {
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import {
  CLOCK,
  LOGGER,
  MONOTONIC,
  pause,
  READINESS,
  Readiness,
  SUPERVISOR,
  Supervisor,
  type Clock,
  type Logger,
} from '@fieldgate/service';
import { openCommitLog, type CommitLogConfig } from '../commit-log.config.js';
import { COMMIT_LOG, type CommitLog } from '../commit-log.js';
import { FollowLag } from './follow-lag.js';
import { LogStart } from './log-start.js';

/** The process has 10 s for its whole stop, and the log is the last in line: what the others have left of this is its own. */
const STOP_MS = 9_000;
/** It needs no more: appends and handlers have ended before, or will not end. */
const GRACE_MS = 3_000;
/** A log that does not answer will not take what waits, and the spool does so at once. */
const GRACE_WHILE_AWAY_MS = 500;
const LOOK_AT_FOLLOWS_EVERY_MS = 10_000;

/**
 * The log for a whole process. A log that is away does not keep the process from coming up (and from saying so on /readyz): it is started
 * beside the rest, and whoever needs it waits for `LogStart`. One that cannot be used at all ends the process.
 */
@Module({})
export class CommitLogModule implements OnModuleInit, OnModuleDestroy, OnApplicationShutdown {
  private stoppingSince: number | undefined;
  private readonly stopping = new AbortController();

  /** `gatewayId`: of a process that takes devices in. */
  static forRoot(config: CommitLogConfig, gatewayId?: string): DynamicModule {
    return withLog({
      provide: COMMIT_LOG,
      useFactory: (clock: Clock, logger: Logger) =>
        openCommitLog(config, { clock, logger, ...(gatewayId === undefined ? {} : { gatewayId }) }),
      inject: [CLOCK, LOGGER],
    });
  }

  /** Of the caller's own: for tests, and for several applications on one log. */
  static forLog(log: CommitLog): DynamicModule {
    return withLog({ provide: COMMIT_LOG, useValue: log });
  }

  constructor(
    @Inject(COMMIT_LOG) private readonly log: CommitLog,
    @Inject(LogStart) private readonly start: LogStart,
    @Inject(SUPERVISOR) private readonly supervisor: Supervisor,
    @Inject(READINESS) private readonly readiness: Readiness,
    @Inject(MONOTONIC) private readonly monotonic: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onModuleInit(): void {
    this.readiness.add('log', () => {
      const problem = this.log.problem();
      if (!this.start.isDone) return problem ?? 'the log is being opened';
      const isCoped = problem !== undefined && this.log.spool()?.full === undefined && this.log.spool();
      return isCoped ? { remark: `${problem}; what devices send is spooled` } : problem;
    });
    this.readiness.add('spool', () => {
      const spool = this.log.spool();
      if (!spool) return { remark: 'none' };
      const { state, full, records, bytes } = spool;
      if (full !== undefined) return full;
      return state === 'direct' ? undefined : { remark: `${state}: ${records} records, ${bytes} bytes` };
    });
    const follows = new FollowLag(this.log.reader, this.monotonic, this.logger);
    this.readiness.add('follows', () => follows.problem());
    this.supervisor.run('log', async () => {
      await this.start.run(this.log);
      this.readiness.changed();
      await this.watch(follows);
    });
  }

  /** The first that Nest tells of a stop. */
  onModuleDestroy(): void {
    this.stopping.abort();
    this.stoppingSince = this.monotonic.now();
  }

  private async watch(follows: FollowLag): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await pause(LOOK_AT_FOLLOWS_EVERY_MS, signal);
      try {
        if (!signal.aborted) await follows.look();
        this.readiness.changed();
      } catch (error) {
        if (!signal.aborted) throw error; // a log that closes tells nothing
      }
    }
  }

  onApplicationShutdown(): Promise<void> {
    const now = this.monotonic.now();
    const leftMs = STOP_MS - (now - (this.stoppingSince ?? now));
    const isSpooled = this.log.problem() !== undefined && this.log.spool() !== undefined;
    return this.log.stop(Math.max(0, Math.min(leftMs, isSpooled ? GRACE_WHILE_AWAY_MS : GRACE_MS)));
  }
}

function withLog(log: Provider): DynamicModule {
  return {
    module: CommitLogModule,
    global: true,
    providers: [log, { provide: LogStart, useFactory: () => new LogStart() }],
    exports: [COMMIT_LOG, LogStart],
  };
}
