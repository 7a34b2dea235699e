import { NEVER_EXPIRES, type SessionRecord } from '@fieldgate/contracts';
import type { InboundState } from '@fieldgate/mqtt-edge';
import type { DeviceSession } from '../sessions/device-session.js';

/** Ids of all devices together, some 50 bytes each. Beyond that the oldest devices lose theirs: a repeat of theirs is stored again. */
const IDS_MAXIMUM = 100_000;

interface Kept {
  readonly connection: string;
  readonly inbound: InboundState;
  /** How many there were: some may be settled, and not taken, while the device is away. */
  readonly ids: number;
  /** When the session is over, ms of the monotonic clock. */
  readonly until: number;
}

/** What names the connection that has ended, and says how long its session lasts. */
export type EndedSession = Pick<DeviceSession, 'deviceId' | 'connection' | 'expirySeconds'>;

/**
 * Packet ids of QoS 2 messages that are not released, or on their way to the log, of devices that are away. They hold for a session that goes on from just this connection:
 * at another gateway the device may have released them and used them anew, and a new message taken for a repeat would be acknowledged and lost.
 */
export class UnreleasedIds {
  /** By device; who has none open is not here. The oldest first. */
  private readonly kept = new Map<string, Kept>();
  private ids = 0;

  constructor(
    private readonly gatewayId: string,
    private readonly maximum = IDS_MAXIMUM,
  ) {}

  get size(): number {
    return this.ids;
  }

  /** `now`: of the monotonic clock, ms. */
  keep({ deviceId, connection, expirySeconds }: EndedSession, inbound: InboundState, now: number): void {
    this.forget(deviceId);
    const ids = inbound.size;
    if (ids === 0 || expirySeconds === 0) return; // the session has ended with its connection
    const until = expirySeconds === NEVER_EXPIRES ? Infinity : now + expirySeconds * 1_000;
    this.kept.set(deviceId, { connection, inbound, ids, until });
    this.ids += ids;
    for (const oldest of this.kept.keys()) {
      if (this.ids <= this.maximum) return;
      this.forget(oldest);
    }
  }

  /** For the session that goes on from `connection`; undefined: none, or nothing goes on. They are not kept any longer. */
  take(deviceId: string, connection: string | undefined): InboundState | undefined {
    const kept = this.kept.get(deviceId);
    this.forget(deviceId);
    return kept?.connection === connection ? kept?.inbound : undefined;
  }

  /** A connection at another gateway makes of the ids what it wants, and without a session nothing goes on from them. */
  onSessionRecord(deviceId: string, record: Pick<SessionRecord, 'connected' | 'gateway'> | undefined): void {
    if (!record || (record.connected && record.gateway !== this.gatewayId)) this.forget(deviceId);
  }

  forget(deviceId: string): void {
    const kept = this.kept.get(deviceId);
    if (!kept) return;
    this.kept.delete(deviceId);
    this.ids -= kept.ids;
  }

  /** Those of sessions that are over. To be called now and then; `now`: of the monotonic clock, ms. */
  forgetExpired(now: number): void {
    for (const [deviceId, { until }] of this.kept) if (until <= now) this.forget(deviceId);
  }
}
