import { randomBytes } from 'node:crypto';
import { encodeEvent, type EventIdentity, type SessionRecord, type Subscription } from '@fieldgate/contracts';
import type { CommitLog, LogTable, TableChange } from '@fieldgate/commit-log';
import type { Clock, Logger } from '@fieldgate/service';
import type { DeviceSession, DisconnectReason } from './device-session.js';
import { NewestSessions, type ResumedSession } from './newest-sessions.js';
import { SessionRecords } from './session-records.js';

/**
 * The sessions of this gateway, and their records in `fieldgate.sessions.v1`. A session outlives its connection and its gateway: whoever
 * takes the next CONNECT finds the subscriptions there ([MQTT-3.2.2-5]: a client that is told Session Present = 0 throws its
 * unacknowledged messages away). The newest record of a device tells which connection is its session.
 */
export class SessionRegistry {
  private readonly sessions = new Map<string, DeviceSession>();
  /** Events so far: makes their ids different. */
  private events = 0;
  private readonly readyListeners: ((session: DeviceSession) => void)[] = [];
  private readonly newestSessions: NewestSessions;
  private readonly records: SessionRecords;
  /** By connection: resumed from a record that may not be the newest; over when that is known. Until then nothing of it is written. */
  private readonly unsure = new Map<string, Promise<void>>();

  constructor(
    private readonly identity: { readonly gatewayId: string; readonly boot: string },
    private readonly log: CommitLog,
    private readonly table: LogTable<SessionRecord>,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    this.newestSessions = new NewestSessions(identity.gatewayId, table, clock);
    this.records = new SessionRecords({ identity, log, table, newest: this.newestSessions, clock });
  }

  start(): void {
    this.newestSessions.start();
    this.table.changes((change) => this.onRecord(change));
  }

  /** No record is tried again from here on. */
  stop(): void {
    this.records.stop();
  }

  /** Connections of an earlier run of this gateway are no more: it may have had no time to say so. */
  async endEarlierRuns(): Promise<void> {
    const { gatewayId, boot } = this.identity;
    const dead = [...this.table.entries()].filter(
      ([, record]) => record.connected && record.gateway === gatewayId && record.boot !== boot,
    );
    await Promise.all(
      dead.map(async ([deviceId, record]) => {
        const now = this.clock.now();
        await this.records.append({
          ...record,
          connected: false,
          disconnectedAt: now,
          reason: 'gateway-restarted',
        });
        this.writeEvent({ deviceId, connection: record.connection }, 'disconnected', {
          gateway: gatewayId,
          reason: 'gateway-restarted',
        });
      }),
    );
  }

  get(deviceId: string): DeviceSession | undefined {
    return this.sessions.get(deviceId);
  }

  all(): IterableIterator<DeviceSession> {
    return this.sessions.values();
  }

  get size(): number {
    return this.sessions.size;
  }

  /** What an earlier session of this device left behind; undefined when there is nothing to resume. */
  resume(deviceId: string, creationId: string | undefined): Promise<ResumedSession | undefined> {
    return this.newestSessions.resume(deviceId, creationId);
  }

  /** The newest record of the device, whoever wrote it. */
  newest(deviceId: string): SessionRecord | undefined {
    return this.table.get(deviceId);
  }

  /** The device is connected here from now on. Resolves when its record says so, or cannot. */
  connected(session: DeviceSession, resumed?: ResumedSession): Promise<void> {
    this.sessions.set(session.deviceId, session);
    if (resumed?.isNewest) this.records.goesOn(session);
    const recorded = this.firstRecord(session, resumed).catch((error: unknown) =>
      this.notWritten(session, error),
    );
    this.writeEvent(session, 'connected', { gateway: this.identity.gatewayId, protocol: session.protocol });
    return recorded;
  }

  private async firstRecord(session: DeviceSession, resumed: ResumedSession | undefined): Promise<void> {
    if (resumed && !resumed.isNewest) {
      const known = this.makeSure(session);
      this.unsure.set(session.connection, known);
      try {
        await known;
      } finally {
        this.unsure.delete(session.connection);
      }
      if (session.closed) return;
    }
    await this.records.persist(session);
  }

  /** The log was too slow to tell which session is the newest: what was taken for it is put right when it tells. */
  private async makeSure(session: DeviceSession): Promise<void> {
    const newest = await this.newestSessions.certain(session.deviceId, () => session.closed);
    if (session.closed) return;
    if (newest && this.newestSessions.canGoOn(newest, session.registration.creationId))
      session.subscriptions = newest.subscriptions;
    else session.link.close('session-gone'); // it was told Session Present = 1
  }

  /** Resolves when the subscriptions are durable: a SUBACK may follow. */
  async subscribed(session: DeviceSession, subscriptions: readonly Subscription[]): Promise<void> {
    if (this.unsure.has(session.connection)) await this.unsure.get(session.connection); // else at once: an UNSUBSCRIBE may be right behind
    const filters = new Set(subscriptions.map((subscription) => subscription.filter));
    session.subscriptions = [
      ...session.subscriptions.filter((old) => !filters.has(old.filter)),
      ...subscriptions,
    ];
    if (this.records.hasSubscriptionsOf(session)) return; // asked for again, as many devices do with each connection
    await this.records.persist(session);
  }

  async unsubscribed(session: DeviceSession, filters: readonly string[]): Promise<void> {
    if (this.unsure.has(session.connection)) await this.unsure.get(session.connection);
    session.subscriptions = session.subscriptions.filter(({ filter }) => !filters.includes(filter));
    await this.records.persist(session);
  }

  /** The connection has ended. The record says so only while no newer connection has taken the device over. */
  disconnected(session: DeviceSession, reason: DisconnectReason): void {
    session.closed = true;
    if (this.sessions.get(session.deviceId) === session) this.sessions.delete(session.deviceId);
    this.records.forget(session);
    this.writeEvent(session, 'disconnected', { gateway: this.identity.gatewayId, reason });
    if (session.standing === 'superseded' || this.unsure.has(session.connection)) return;
    const isReplaced = (): boolean => {
      const newer = this.sessions.get(session.deviceId);
      return newer !== undefined && !this.unsure.has(newer.connection);
    };
    this.records.end(session, reason, isReplaced).catch((error: unknown) => this.notWritten(session, error));
  }

  /** Its connection has ended, and so has the wait of its will. Resolves when the record says so, or a newer one stands there. */
  willPublished(record: SessionRecord): Promise<void> {
    return this.records.removeWill(record);
  }

  /** Called when a session has become, or stays, the newest of its device and its subscriptions are known: commands may go to it. */
  onReady(listener: (session: DeviceSession) => void): void {
    this.readyListeners.push(listener);
  }

  private writeEvent(
    session: Pick<DeviceSession, 'deviceId' | 'connection'>,
    event: 'connected' | 'disconnected',
    details: Record<string, unknown>,
  ): void {
    const now = this.clock.now();
    const identity: EventIdentity = {
      id: `${session.connection}-${event}-${(this.events += 1)}`,
      timeMs: now,
    };
    const { deviceId } = session;
    const value = encodeEvent(
      { deviceId, event, state: 'info', severity: 'info', details, gatewayId: this.identity.gatewayId },
      identity,
      now,
    );
    this.log.ingest.append({ topic: 'fieldgate.events.v1', key: deviceId, value }, (error) => {
      if (error) this.logger.warn({ deviceId, event, code: error.code }, 'presence event not written');
    });
  }

  /** The log decides whose session a device is: this connection's, a newer one's elsewhere, or nobody's. */
  private onRecord({ key: deviceId, value }: TableChange<SessionRecord>): void {
    const session = this.sessions.get(deviceId);
    if (!session || !value) return;
    if (value.connection === session.connection) return this.onOwnRecord(session, value.connected);
    if (session.standing === 'unread') return; // a record from before this connection's own
    if (value.connected) {
      session.standing = 'superseded';
      session.link.close('taken-over');
    } else if (session.standing !== 'superseded') {
      this.restore(session); // presence ended an older connection too late
    }
  }

  private onOwnRecord(session: DeviceSession, connected: boolean): void {
    if (session.standing === 'superseded') return;
    if (!connected) {
      // declared lost while it lives: the history said `disconnected`
      this.restore(session);
      this.writeEvent(session, 'connected', { gateway: this.identity.gatewayId, protocol: session.protocol });
      return;
    }
    session.standing = 'newest';
    for (const listener of this.readyListeners) listener(session);
  }

  /** Appends the session again although nothing in it has changed. */
  private restore(session: DeviceSession): void {
    session.standing = 'disputed';
    this.records.restore(session).catch((error: unknown) => this.notWritten(session, error));
  }

  private notWritten(session: DeviceSession, error: unknown): void {
    this.logger.warn({ deviceId: session.deviceId, err: error }, 'session record not written');
    // without its record the session is nobody's: no command would reach it. The device connects again.
    if (!session.closed) session.link.close('log-unavailable');
  }
}

export function newConnectionId(): string {
  return randomBytes(8).toString('hex'); // short: it stands in every record of the connection
}
