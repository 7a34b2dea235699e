import { type SessionRecord, type SessionWill } from '@fieldgate/contracts';
import type { LogTable } from '@fieldgate/commit-log';
import type { Clock } from '@fieldgate/service';
import type { IngestOutcome, InboundPublish } from '../ingest/publish.js';
import { SessionCounters } from '../ledger/session-counters.js';
import type { DeviceLink, DeviceSession } from './device-session.js';

/** What publishing a will asks and tells the rest of the gateway. */
export interface WillPort {
  /** Whether this connection of the device lasts, whatever its record says. */
  isConnected(deviceId: string, connection: string): boolean;
  ingest(session: DeviceSession, publish: InboundPublish): void;
  /** A will that has waited in the session's record is a message now, or refused for good. */
  published(record: SessionRecord): void;
}

interface Due {
  /** Ms of the monotonic clock: a clock that is set must neither publish a will nor hold it back. */
  readonly at: number;
  readonly session: DeviceSession;
  readonly will: SessionWill;
  /** The record that it has waited in; undefined when none says so (yet). */
  record: SessionRecord | undefined;
  /** In the log, as a message or as a dead letter. */
  isPublished?: boolean;
  /** The record of the end of its connection has it, and is to be written again without it. */
  isInRecord?: boolean;
  /** The log has not taken it before. */
  isAgain?: boolean;
}

/**
 * Publishes wills: at once, or when their delay or their session is over, whichever comes first (MQTT 5, 3.1.3.2.2). What waits stands in the
 * session's record, and the gateway of that record is in charge: also its next run, after a stop or a crash (3.1.2.5 lets a will wait for that).
 */
export class PublishWills {
  /** By device; their connections have ended. */
  private readonly waiting = new Map<string, Due>();
  /** By device: due, and the log was away. The newest of a device. */
  private readonly late = new Map<string, Due>();
  /** By device: on its way or published, until the record of its connection says so too. It may be read long after the end of the connection. */
  private readonly told = new Map<string, Due>();
  private unsettled = 0;

  constructor(
    private readonly gatewayId: string,
    private readonly table: LogTable<SessionRecord>,
    private readonly port: WillPort,
    private readonly epoch: Clock,
    private readonly monotonic: Clock,
  ) {}

  start(): void {
    for (const [deviceId, record] of this.table.entries()) this.onRecord(deviceId, record);
    this.table.changes(({ key, value }) => this.onRecord(key, value));
  }

  /** To be called when a connection has ended, before its record says so. */
  leave(session: DeviceSession): void {
    const { will } = session;
    if (!will) return;
    const delaySeconds = delayOf(will, session);
    const isOver = delaySeconds === 0;
    const due: Due = { at: this.monotonic.now() + delaySeconds * 1_000, session, will, record: undefined };
    if (session.standing === 'superseded') {
      const newest = this.table.get(session.deviceId);
      if (isOver || hasEndedEarlierSession(newest)) this.publish(due);
    } else if (isOver) {
      due.isInRecord = true; // until it is published: what stops the gateway must not take it away
      this.publish(due);
    } else {
      this.waiting.set(session.deviceId, due); // its record says so too, unless the log is away
    }
  }

  /** To be called about once a second. */
  tick(): void {
    const now = this.monotonic.now();
    const late = [...this.late.values()];
    this.late.clear();
    for (const due of late) this.publish(due);
    for (const due of this.waiting.values()) if (due.at <= now) this.letGo(due);
  }

  /** How many are on their way into the log. */
  get onTheirWay(): number {
    return this.unsettled;
  }

  /** How many are published and on their way out of a record: the next run would publish them again. */
  get onTheirWayOut(): number {
    let count = 0;
    for (const { isInRecord, isPublished } of this.told.values()) if (isInRecord && isPublished) count += 1;
    return count;
  }

  private onRecord(deviceId: string, record: SessionRecord | undefined): void {
    const before = this.waiting.get(deviceId);
    if (before && record?.connected && record.connection === before.session.connection) return; // written before its end
    this.waiting.delete(deviceId); // [MQTT-3.1.3-9]: the device is back in its session
    if (before && hasEndedEarlierSession(record)) this.letGo(before);
    this.forgetTold(deviceId, record);
    if (!record?.will || record.connected || record.gateway !== this.gatewayId) return;
    if (this.port.isConnected(deviceId, record.connection)) return; // taken for lost
    const told = this.told.get(deviceId);
    if (told?.session.connection === record.connection) return this.note(told, record);
    const now = this.monotonic.now();
    const isKnown = before?.session.connection === record.connection;
    const at = isKnown ? before.at : now + remainingMs(record, this.epoch.now());
    const due: Due = { at, session: sessionOf(record), will: record.will, record };
    if (due.at <= now) this.publish(due);
    else this.waiting.set(deviceId, due);
  }

  /** Its connection's will is no longer in the record, or a later connection has come. */
  private forgetTold(deviceId: string, record: SessionRecord | undefined): void {
    const told = this.told.get(deviceId);
    if (!told) return;
    const { connection, connectedAt } = told.session;
    const saysSo = record?.connection === connection && !record.will;
    const isLater = record?.connection !== connection && (record?.connectedAt ?? 0) > connectedAt;
    if (!record || saysSo || isLater) this.told.delete(deviceId);
  }

  /** A record that still has a will which was let go already. */
  private note(told: Due, record: SessionRecord): void {
    told.record = record;
    if (told.isPublished) this.port.published(record);
  }

  private letGo(due: Due): void {
    this.waiting.delete(due.session.deviceId);
    this.publish(due);
  }

  /** Of its session one record is waited for until the log has taken the will; what a try counts in which it does not is let go. */
  private publish(due: Due): void {
    const { session } = due;
    const counters = (session.counters ??= new SessionCounters());
    const ofThisTry = new SessionCounters();
    this.told.set(session.deviceId, due);
    this.unsettled += 1;
    if (!due.isAgain) counters.received += 1;
    const settle = (outcome: IngestOutcome): void => {
      this.unsettled -= 1;
      if (outcome === 'unavailable') return this.tryAgain(due);
      counters.received -= 1;
      counters.add(ofThisTry);
      due.isPublished = true;
      if (due.record) this.port.published(due.record);
    };
    this.port.ingest({ ...session, closed: true, counters: ofThisTry }, publishOf(due, settle));
  }

  private tryAgain(due: Due): void {
    const { deviceId } = due.session;
    const older = this.late.get(deviceId)?.session.counters;
    if (older) older.received -= 1; // of an earlier connection, and given up
    due.isAgain = true;
    this.late.set(deviceId, due);
  }
}

/** A will is taken like a message of its device. */
function publishOf({ will, isAgain = false }: Due, settle: InboundPublish['settle']): InboundPublish {
  const { topic, payload, qos, contentType } = will;
  const bytes = Buffer.from(payload, 'base64');
  return {
    topic,
    qos,
    isWill: true,
    isAgain,
    bytes,
    payloadAt: 0,
    payloadEnd: bytes.length,
    payload: bytes,
    contentType,
    correlationData: undefined,
    status: undefined,
    holds: () => undefined,
    settle,
  };
}

/** Seconds from the end of the connection. */
function delayOf(will: SessionWill, { expirySeconds }: { readonly expirySeconds: number }): number {
  return Math.min(will.delaySeconds, expirySeconds);
}

/** Until the will of an earlier run is due: never more than its delay, however far back this run's clock stands behind that of its record. */
function remainingMs(record: SessionRecord, epochNow: number): number {
  const delayMs = record.will ? delayOf(record.will, record) * 1_000 : 0;
  return Math.min(delayMs, (record.disconnectedAt ?? record.connectedAt) + delayMs - epochNow);
}

/** A connection with Clean Start 1, or after the expiry: what waited for the end of the session has waited long enough ([MQTT-3.1.2-8]). */
function hasEndedEarlierSession(record: SessionRecord | undefined): boolean {
  return record?.connected === true && record.resumed === false;
}

const NO_LINK: DeviceLink = {
  close: () => false,
  send: () => false,
  fits: () => false,
  oldestUnsettled: undefined,
  unsettled: 0,
};

/** A session whose connection has ended, from its record. */
function sessionOf(record: SessionRecord): DeviceSession {
  const { deviceId, connection, connectedAt, protocol, keepAliveSeconds, expirySeconds } = record;
  return {
    deviceId,
    connection,
    link: NO_LINK,
    registration: { creationId: record.creationId ?? '', secretVersion: 0 },
    protocol,
    connectedAt,
    keepAliveSeconds,
    topicPrefix: `devices/${deviceId}/`,
    resumed: record.resumed ?? false,
    expirySeconds,
    will: record.will,
    subscriptions: record.subscriptions,
    standing: 'unread',
    closed: true,
  };
}
