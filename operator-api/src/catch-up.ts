import { FieldgateError } from '@fieldgate/contracts';
import { CommandsView, LogStart } from '@fieldgate/commit-log';
import {
  backOffMs,
  LOGGER,
  pause,
  READINESS,
  Readiness,
  SUPERVISOR,
  Supervisor,
  type Logger,
} from '@fieldgate/service';
import {
  Inject,
  Injectable,
  type CanActivate,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { AlertStates } from './alerts/alert-states.js';
import { DeviceTables } from './devices/device-tables.js';
import { Problem } from './http/problem.js';
import { LedgerTable } from './ledger/ledger-table.js';

/** What is built from the log: started behind the log, and then brought to the end that the topic has at that time. */
interface FromLog {
  start(): Promise<void>;
  stop(): Promise<void>;
  caughtUp(): Promise<void>;
}

/** Reads the tables and the commands in at the start; no call is answered from half a table. */
@Injectable()
export class CatchUp implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly parts: ReadonlyMap<string, FromLog>;
  private readonly behind: Set<string>;
  private readonly stopping = new AbortController();

  constructor(
    tables: DeviceTables,
    commands: CommandsView,
    alerts: AlertStates,
    ledger: LedgerTable,
    private readonly logStart: LogStart,
    @Inject(READINESS) private readonly readiness: Readiness,
    @Inject(SUPERVISOR) private readonly supervisor: Supervisor,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.parts = new Map<string, FromLog>([
      ['devices table', tables.devices],
      ['sessions table', tables.sessions],
      ['gateways table', tables.gateways],
      ['commands view', commands],
      ['alerts table', alerts.table],
      ['ledger table', ledger.table],
    ]);
    this.behind = new Set(this.parts.keys());
  }

  get done(): boolean {
    return this.behind.size === 0;
  }

  onApplicationBootstrap(): void {
    for (const [name, part] of this.parts) {
      this.readiness.add(`operator API: ${name}`, () =>
        this.behind.has(name) ? 'catching up with the log' : undefined,
      );
      this.supervisor.run(`operator API: ${name}`, () => this.bringUp(name, part));
    }
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping.abort();
    await Promise.all([...this.parts.values()].map((part) => part.stop()));
  }

  private async bringUp(name: string, part: FromLog): Promise<void> {
    await this.logStart.started;
    await this.patiently(name, () => part.start());
    await this.patiently(name, () => part.caughtUp());
    if (this.stopping.signal.aborted) return;
    this.behind.delete(name);
    this.readiness.changed();
  }

  /** A log that is away for a while is waited for; anything else ends the process through the supervisor. */
  private async patiently(name: string, step: () => Promise<void>): Promise<void> {
    for (let attempt = 0; !this.stopping.signal.aborted; attempt++) {
      try {
        return await step();
      } catch (error) {
        if (this.stopping.signal.aborted) return;
        if (!(error instanceof FieldgateError) || !error.retriable) throw error;
        this.logger.debug({ err: error, part: name, attempt }, 'log is away; trying again');
        await pause(backOffMs(attempt), this.stopping.signal);
      }
    }
  }
}

/** 503 until the API has caught up with the log. */
@Injectable()
export class CaughtUpGuard implements CanActivate {
  constructor(private readonly catchUp: CatchUp) {}

  canActivate(): boolean {
    if (!this.catchUp.done) throw new Problem('not-ready');
    return true;
  }
}
