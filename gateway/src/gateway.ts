import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import {
  deviceRecordSchema,
  FieldgateError,
  reject,
  sessionRecordSchema,
  tableRows,
  type DeviceRecord,
  type Rejection,
  type SessionRecord,
} from '@fieldgate/contracts';
import { COMMIT_LOG, CommandsView, LogStart, LogTable, type CommitLog } from '@fieldgate/commit-log';
import {
  backOffMs,
  CLOCK,
  LOGGER,
  MONOTONIC,
  pause,
  READINESS,
  RepeatedLines,
  SUPERVISOR,
  Readiness,
  Supervisor,
  type Clock,
  type Logger,
} from '@fieldgate/service';
import { DeviceConnections } from './connections/device-connections.js';
import { AcceptResponse } from './commands/accept-response.js';
import { DeliverCommands } from './commands/deliver-commands.js';
import { GATEWAY_CONFIG, type GatewayConfig } from './gateway.config.js';
import { counts } from './gateway.metrics.js';
import { IngestPublish } from './ingest/ingest-publish.js';
import { PacedWriter } from './ingest/paced-writer.js';
import { ReportSessions } from './ledger/report-sessions.js';
import { Listeners } from './listeners/listeners.js';
import { AuthenticateDevice } from './sessions/authenticate-device.js';
import { GatewayBeat } from './sessions/gateway-beat.js';
import type { DeviceSession } from './sessions/device-session.js';
import { PublishWills } from './sessions/publish-wills.js';
import { SessionRegistry } from './sessions/session-registry.js';
import { TimeToStop } from './time-to-stop.js';

/** How often it is looked who has waited for too long. */
const SWEEP_MS = 1_000;

/** The gateway's parts, in the order a packet travels, and their life: tables first, then the door; at the end the door first. */
@Injectable()
export class Gateway implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger: Logger;
  private readonly identity: { readonly gatewayId: string; readonly boot: string };
  private readonly devices: LogTable<DeviceRecord>;
  private readonly sessionTable: LogTable<SessionRecord>;
  private readonly commands: CommandsView;
  private readonly registry: SessionRegistry;
  private readonly connections: DeviceConnections;
  private readonly listeners: Listeners;
  private readonly beat: GatewayBeat;
  private readonly deliver: DeliverCommands;
  private readonly wills: PublishWills;
  private readonly reports: ReportSessions;
  private readonly stopping = new AbortController();
  private sweeper: NodeJS.Timeout | undefined;
  private listening: ReadonlyMap<string, AddressInfo> = new Map();
  private problem: string | undefined = 'starting';

  constructor(
    @Inject(GATEWAY_CONFIG) private readonly config: GatewayConfig,
    @Inject(COMMIT_LOG) private readonly log: CommitLog,
    @Inject(LogStart) private readonly logStart: LogStart,
    @Inject(CLOCK) clock: Clock,
    @Inject(MONOTONIC) private readonly monotonic: Clock,
    @Inject(LOGGER) logger: Logger,
    @Inject(SUPERVISOR) private readonly supervisor: Supervisor,
    @Inject(READINESS) private readonly readiness: Readiness,
  ) {
    this.logger = logger.child({ role: 'gateway', gateway: config.gatewayId });
    this.identity = { gatewayId: config.gatewayId, boot: randomBytes(6).toString('hex') };
    const supervision = {
      failed: (error: unknown) => supervisor.fail('gateway', error),
      unreadable: (record: { topic: string; partition: number; offset: number }) =>
        this.logger.warn(
          {
            topic: record.topic,
            partition: record.partition,
            offset: record.offset,
            code: 'record-unreadable',
          },
          'record skipped',
        ),
    };
    this.devices = new LogTable(
      log.reader,
      'fieldgate.devices.v1',
      tableRows('fieldgate.devices.v1', deviceRecordSchema),
      supervision,
    );
    this.sessionTable = new LogTable(
      log.reader,
      'fieldgate.sessions.v1',
      tableRows('fieldgate.sessions.v1', sessionRecordSchema),
      supervision,
    );
    this.commands = new CommandsView(log.reader, supervision);
    this.registry = new SessionRegistry(this.identity, log, this.sessionTable, clock, this.logger);
    this.beat = new GatewayBeat(this.identity, log, () => this.registry.size, clock, this.logger);
    this.deliver = new DeliverCommands(
      this.identity,
      this.commands,
      this.registry,
      log.writer,
      clock,
      this.logger,
    );
    const responses = new AcceptResponse(this.identity.boot, this.commands, clock);
    const writer = new PacedWriter(log.ingest);
    const ingest = new IngestPublish(this.identity, writer, responses, clock, monotonic, this.logger);
    this.wills = new PublishWills(
      config.gatewayId,
      this.sessionTable,
      {
        isConnected: (deviceId, connection) => this.registry.get(deviceId)?.connection === connection,
        ingest: (session, publish) => ingest.ingest(session, publish),
        published: (record) => this.willPublished(record),
      },
      clock,
      monotonic,
    );
    this.reports = new ReportSessions(
      this.identity,
      log,
      () => this.registry.all(),
      { epoch: clock, monotonic },
      new RepeatedLines(this.logger, monotonic),
    );
    const authentication = new AuthenticateDevice(this.devices);
    this.connections = new DeviceConnections(
      config,
      {
        authenticate: async (credentials) => turnsAway(log) ?? authentication.authenticate(credentials),
        resume: (deviceId) => this.registry.resume(deviceId, this.devices.get(deviceId)?.creationId),
        connected: (session, resumed) => {
          const recorded = this.registry.connected(session, resumed);
          this.onRegistration(session.deviceId, this.devices.get(session.deviceId)); // it may have changed during the handshake
          return recorded;
        },
        disconnected: (session, reason) => {
          this.wills.leave(session);
          this.registry.disconnected(session, reason);
          this.reports.end(session, reason);
        },
        subscribed: (session, subscriptions) => this.registry.subscribed(session, subscriptions),
        unsubscribed: (session, filters) => this.registry.unsubscribed(session, filters),
        pace: (connection) => writer.pace(connection),
        ingest: (session, publish) => ingest.ingest(session, publish),
      },
      { epoch: clock, monotonic },
      this.logger,
    );
    this.listeners = new Listeners(
      config,
      (name, error) => supervisor.fail(name, error),
      (stream, remoteAddress) => this.connections.handle(stream, remoteAddress),
      { logger: this.logger, repeated: new RepeatedLines(this.logger, monotonic) },
    );
    readiness.add('gateway', () => this.problem);
  }

  onApplicationBootstrap(): void {
    this.supervisor.run('gateway', () => this.start());
  }

  /** Where MQTT over TCP listens; undefined until it does. */
  get address(): AddressInfo | undefined {
    return this.listening.get('mqtt');
  }

  /** Where it listens, by scheme: `mqtt`, `mqtts`, `ws`, `wss`; empty until it does. */
  get addresses(): ReadonlyMap<string, AddressInfo> {
    return this.listening;
  }

  private async start(): Promise<void> {
    await this.logStart.started;
    await Promise.all([this.devices.start(), this.sessionTable.start(), this.commands.start()]);
    this.problem = 'reading the tables of devices, sessions and commands';
    await this.persist(() =>
      Promise.all([this.devices.caughtUp(), this.sessionTable.caughtUp(), this.commands.caughtUp()]),
    );
    this.registry.start();
    this.deliver.start();
    this.wills.start();
    this.sessionTable.changes(({ key, value }) => this.connections.onSessionRecord(key, value));
    this.devices.changes(({ key, value }) => this.onRegistration(key, value));
    await this.persist(() => this.beat.start());
    await this.persist(() => this.registry.endEarlierRuns());
    if (this.stopping.signal.aborted) return;
    this.connections.start();
    this.listening = await this.listeners.start();
    this.sweeper = setInterval(() => {
      this.closeHeld();
      this.wills.tick();
      this.reports.tick();
    }, SWEEP_MS);
    this.problem = undefined;
    this.readiness.changed();
  }

  /** Again and again while the log is away. */
  private async persist(act: () => Promise<unknown>): Promise<void> {
    for (let attempt = 0; !this.stopping.signal.aborted; attempt += 1) {
      try {
        await act();
        return;
      } catch (error) {
        if (!(error instanceof FieldgateError) || !error.retriable) throw error;
        await pause(backOffMs(attempt), this.stopping.signal);
      }
    }
  }

  /** A device that was deleted, registered anew or given another secret does not go on with the connection it had. */
  private onRegistration(deviceId: string, device: DeviceRecord | undefined): void {
    const session = this.registry.get(deviceId);
    if (session) {
      const { creationId, secretVersion } = session.registration;
      if (device?.creationId === creationId && device.secretVersion === secretVersion) return;
      session.link.close(device ? 'secret-changed' : 'device-deleted');
    }
    if (!device) this.connections.forget(deviceId);
  }

  /** A PUBLISH is held for at most `holdMs`, and for less than the device's keep-alive; then the device shall send it again elsewhere. */
  private closeHeld(): void {
    const now = this.monotonic.now();
    for (const session of this.registry.all()) {
      const since = session.link.oldestUnsettled;
      if (since === undefined) continue;
      const keepAliveMs = session.keepAliveSeconds === 0 ? Infinity : session.keepAliveSeconds * 1_000;
      const mostMs = Math.min(this.config.holdMs, Math.max(SWEEP_MS / 2, keepAliveMs - SWEEP_MS)); // noticed a sweep late
      if (now - since >= mostMs) {
        if (!session.link.close('log-unavailable')) continue;
        counts.heldTooLong += 1;
        this.logger.warn({ deviceId: session.deviceId }, 'publish held for too long, connection closed');
      }
    }
  }

  /** Stop accepting; let what was taken become durable and be answered; say goodbye. The log is closed after this. */
  async beforeApplicationShutdown(): Promise<void> {
    if (this.stopping.signal.aborted) return;
    const time = new TimeToStop(this.monotonic);
    this.problem = 'stopping';
    this.listeners.close();
    this.connections.hold();
    clearInterval(this.sweeper);
    await time.during(() => [...this.registry.all()].some(waits));
    this.stopping.abort();
    this.registry.stop();
    if (this.listening.size > 0) {
      await this.connections.stop();
      await time.during(() => this.wills.onTheirWay > 0 || this.canRemoveWills());
      await time.during(() => this.reports.flush());
      this.reports.giveUp();
      await time.during(() => this.reports.onTheirWay > 0);
      await this.beat.stop(time.leftMs);
    }
    await time.until(Promise.all([this.commands.stop(), this.sessionTable.stop(), this.devices.stop()]));
  }

  /** No spool takes a record of a session, so a log that is away would be waited for in vain. */
  private canRemoveWills(): boolean {
    return this.wills.onTheirWayOut > 0 && this.log.problem() === undefined;
  }

  /** When the record cannot be written the will is published once more by the next run: at least once, like any message. */
  private willPublished(record: SessionRecord): void {
    this.registry.willPublished(record).catch((error: unknown) => {
      this.logger.warn({ deviceId: record.deviceId, err: error }, 'will still in the session record');
    });
  }
}

/** Nothing of a device could be made durable now: another gateway may have room. */
function turnsAway(log: CommitLog): Rejection | undefined {
  const full = log.spool()?.full;
  return full === undefined ? undefined : reject('log-unavailable', full);
}

function waits({ link, closed }: DeviceSession): boolean {
  return !closed && link.unsettled > 0;
}
