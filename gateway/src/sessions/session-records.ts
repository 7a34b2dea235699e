import { encodeTableRow, FieldgateError, type SessionRecord } from '@fieldgate/contracts';
import { appended, type CommitLog, type LogPosition, type LogTable } from '@fieldgate/commit-log';
import { backOffMs, pause, type Clock } from '@fieldgate/service';
import type { DeviceSession, DisconnectReason } from './device-session.js';
import type { NewestSessions } from './newest-sessions.js';
import { Turns } from './turns.js';

interface Parts {
  readonly identity: { readonly gatewayId: string; readonly boot: string };
  readonly log: CommitLog;
  readonly table: LogTable<SessionRecord>;
  readonly newest: NewestSessions;
  readonly clock: Clock;
}

/** So often at least one of these is a try, whatever the log says: that may be of other topics only, and for hours. */
const WAITS_PER_TRY = 8;
/**
 * Of the ends in one partition: when the log is away each lies for up to ten seconds in the room of what devices send, and an outage may end all
 * connections. When it is there, they are in the log in milliseconds.
 */
const TRIES_AT_ONCE = 64;

/** Writes what becomes of this gateway's sessions into `fieldgate.sessions.v1`, and knows what of it is durable. */
export class SessionRecords {
  /** So far: makes their ids different. */
  private written = 0;
  private readonly lastWritten = new Map<
    string,
    { readonly subscriptions: string; readonly durable: Promise<LogPosition> }
  >();
  /** By connection: the subscriptions that a record of its session has, its own or the one that it goes on with. */
  private readonly durable = new Map<string, string>();
  /** By device: its last connection, whose end no record says yet. */
  private readonly ending = new Map<string, string>();
  private readonly stopping = new AbortController();
  /** By partition. */
  private readonly turns = new Map<number, Turns>();

  constructor(private readonly parts: Parts) {}

  /** It goes on with a session whose newest record has these subscriptions. */
  goesOn({ connection, subscriptions }: DeviceSession): void {
    this.durable.set(connection, JSON.stringify(subscriptions));
  }

  /** Whether a durable record has the subscriptions as they are. */
  hasSubscriptionsOf({ connection, subscriptions }: DeviceSession): boolean {
    return this.durable.get(connection) === JSON.stringify(subscriptions);
  }

  /** Where a spool takes what the device sends, the device stays through an outage of the log, and its record is written when that is over. */
  async persist(session: DeviceSession): Promise<void> {
    this.durable.delete(session.connection); // a SUBSCRIBE that takes an UNSUBSCRIBE back must wait until the log has both
    for (let attempt = 0; ; attempt += 1) {
      const subscriptions = JSON.stringify(session.subscriptions);
      try {
        await this.write(session);
        const isNewest = subscriptions === JSON.stringify(session.subscriptions);
        if (isNewest && !session.closed) this.durable.set(session.connection, subscriptions);
        return;
      } catch (error) {
        if (!isRetriable(error) || this.parts.log.spool() === undefined || session.closed) throw error;
        await pause(backOffMs(attempt));
      }
    }
  }

  /** The same, although nothing in the session has changed. */
  restore(session: DeviceSession): Promise<void> {
    this.lastWritten.delete(session.connection);
    return this.persist(session);
  }

  /** The connection has ended. */
  forget({ connection }: DeviceSession): void {
    this.lastWritten.delete(connection);
    this.durable.delete(connection);
  }

  /** Says so, when the log is back if need be, as long as `isReplaced` by no newer one here: while this gateway lives nobody else would. */
  async end(session: DeviceSession, reason: DisconnectReason, isReplaced: () => boolean): Promise<void> {
    const { deviceId, connection } = session;
    const { table, clock } = this.parts;
    this.ending.set(deviceId, connection);
    const state = { connected: false, disconnectedAt: clock.now(), reason };
    const before = table.positionOf(deviceId);
    const isOver = (): boolean => {
      if (this.ending.get(deviceId) !== connection || isReplaced()) return true;
      const record = table.get(deviceId);
      if (record?.connection === connection) return !record.connected; // it is said: an append without an answer, or `presence`
      const at = table.positionOf(deviceId);
      return at?.partition !== before?.partition || at?.offset !== before?.offset; // it is elsewhere, or deleted
    };
    try {
      await this.insist(this.recordOf(session, state), isOver);
    } finally {
      if (this.ending.get(deviceId) === connection) this.ending.delete(deviceId);
    }
  }

  /** Takes the will out of the newest record of a connection that has ended. */
  async removeWill(record: SessionRecord): Promise<void> {
    const { will: _, ...without } = record;
    const isOver = (): boolean => {
      const newest = this.parts.table.get(record.deviceId);
      return newest?.connection !== record.connection || newest.will === undefined;
    };
    if (!isOver()) await this.insist(without, isOver);
  }

  append(record: SessionRecord): Promise<LogPosition> {
    const { deviceId: key, connection } = record;
    const { log, newest, clock } = this.parts;
    const row = { key, id: `${connection}-${(this.written += 1)}`, atMs: clock.now(), data: record };
    const value = encodeTableRow('fieldgate.sessions.v1', row);
    const written = newest.writing(record);
    const durable = appended(log.writer, { topic: 'fieldgate.sessions.v1', key, value });
    durable.then(
      (at) => written.settled(at),
      () => written.settled(undefined), // the caller hears of it
    );
    return durable;
  }

  /** From here on everything is tried once more at most: the next run, or another gateway, ends what is left. */
  stop(): void {
    this.stopping.abort();
    for (const turns of this.turns.values()) turns.end();
  }

  private write(session: DeviceSession): Promise<LogPosition> {
    const subscriptions = JSON.stringify(session.subscriptions);
    const last = this.lastWritten.get(session.connection);
    if (last?.subscriptions === subscriptions) return last.durable; // it says so already
    const durable = this.append(this.recordOf(session, { connected: true }));
    this.lastWritten.set(session.connection, { subscriptions, durable });
    durable.catch(() => this.lastWritten.delete(session.connection)); // the caller hears of it; the next one writes again
    return durable;
  }

  /** Again and again while the log is away, unless it is over: what nobody waits for must not be in its way. */
  private async insist(record: SessionRecord, isOver: () => boolean): Promise<void> {
    const { log } = this.parts;
    const { signal } = this.stopping;
    const turns = this.turnsOf(record.deviceId);
    for (let waits = 0; ;) {
      const turn = turns.take();
      if (turn) await turn;
      try {
        if (turn && isOver()) return;
        await this.append(record);
        return;
      } catch (error) {
        if (!isRetriable(error) || signal.aborted) throw error;
      } finally {
        turns.give();
      }
      do await pause(backOffMs(waits++), signal);
      while (log.problem() !== undefined && waits % WAITS_PER_TRY !== 0 && !isOver() && !signal.aborted);
      if (isOver()) return;
    }
  }

  private turnsOf(deviceId: string): Turns {
    const partition = this.parts.log.reader.partitionOf('fieldgate.sessions.v1', deviceId);
    const known = this.turns.get(partition);
    if (known) return known;
    const turns = new Turns(TRIES_AT_ONCE);
    if (this.stopping.signal.aborted) turns.end();
    this.turns.set(partition, turns);
    return turns;
  }

  private recordOf(
    session: DeviceSession,
    state: Pick<SessionRecord, 'connected' | 'disconnectedAt' | 'reason'>,
  ): SessionRecord {
    const { gatewayId: gateway, boot } = this.parts.identity;
    const { deviceId, connection, connectedAt, protocol, keepAliveSeconds, expirySeconds, resumed, will } =
      session;
    return {
      deviceId,
      gateway,
      boot,
      connection,
      creationId: session.registration.creationId,
      connectedAt,
      protocol,
      keepAliveSeconds,
      expirySeconds,
      subscriptions: [...session.subscriptions],
      resumed,
      ...(will ? { will } : {}),
      ...state,
    };
  }
}

function isRetriable(error: unknown): boolean {
  return error instanceof FieldgateError && error.retriable;
}
