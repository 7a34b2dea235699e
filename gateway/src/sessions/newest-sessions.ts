import { isResumable, type SessionRecord } from '@fieldgate/contracts';
import type { LogPosition, LogTable, TableChange } from '@fieldgate/commit-log';
import type { Clock } from '@fieldgate/service';
import { backOffMs, pause } from '@fieldgate/service';
import { CatchUp } from './authenticate-device.js';

/** How long a CONNECT that wants its session back waits for the table of sessions. */
const RESUME_MS = 500;
/** The same, of one that was let in without it. */
const CERTAIN_MS = 30_000;

/** What an earlier connection has left. */
export interface ResumedSession {
  readonly record: SessionRecord;
  /** Whether it is known to be the newest of the device; when the log is slow there may be another. */
  readonly isNewest: boolean;
  /** It was a connection to another gateway. */
  readonly isFromElsewhere: boolean;
}

interface Unread {
  readonly record: SessionRecord;
  /** Undefined until it is durable. */
  at: LogPosition | undefined;
}

/**
 * The newest session record of each device: the table's, or what this gateway has written itself and has not read back. A device that comes back
 * at once finds the session that it has just left, also while the log is at work on it.
 */
export class NewestSessions {
  private readonly unread = new Map<string, Unread>();
  private readonly catchUp: CatchUp;

  constructor(
    private readonly gatewayId: string,
    private readonly table: LogTable<SessionRecord>,
    private readonly clock: Clock,
  ) {
    this.catchUp = new CatchUp(() => table.caughtUp());
  }

  start(): void {
    this.table.changes((change) => this.onRecord(change));
  }

  get(deviceId: string): SessionRecord | undefined {
    return this.unread.get(deviceId)?.record ?? this.table.get(deviceId);
  }

  /** The session that a CONNECT with Clean Start 0 goes on with; undefined when there is none. */
  async resume(deviceId: string, creationId: string | undefined): Promise<ResumedSession | undefined> {
    const isCaughtUp = await this.catchUp.atMost(RESUME_MS);
    const record = this.get(deviceId);
    if (!record || !this.canGoOn(record, creationId)) return undefined;
    const isNewest = isCaughtUp || this.unread.has(deviceId);
    return { record, isNewest, isFromElsewhere: record.gateway !== this.gatewayId };
  }

  /** Resolves with the newest record when the table has all of them; undefined when `isOver` first. Asks again while the log is away. */
  async certain(deviceId: string, isOver: () => boolean): Promise<SessionRecord | undefined> {
    for (let attempt = 0; !isOver(); attempt += 1) {
      if (await this.catchUp.atMost(CERTAIN_MS)) return this.get(deviceId);
      await pause(backOffMs(attempt));
    }
    return undefined;
  }

  canGoOn(record: SessionRecord, creationId: string | undefined): boolean {
    if (!isResumable(record, this.clock.now())) return false;
    return record.creationId === undefined || record.creationId === creationId;
  }

  /** To be called with a record that is being appended; `settled` when it is durable, or cannot be. */
  writing(record: SessionRecord): { settled(at: LogPosition | undefined): void } {
    const { deviceId } = record;
    const unread: Unread = { record, at: undefined };
    this.unread.set(deviceId, unread);
    const settled = (at: LogPosition | undefined): void => {
      if (this.unread.get(deviceId) !== unread) return; // a later one is on its way
      unread.at = at;
      if (at === undefined || hasReached(this.table.positionOf(deviceId), at)) this.unread.delete(deviceId);
    };
    return { settled };
  }

  private onRecord({ key, at }: TableChange<SessionRecord>): void {
    const unread = this.unread.get(key);
    if (unread?.at && hasReached(at, unread.at)) this.unread.delete(key);
  }
}

function hasReached(position: LogPosition | undefined, at: LogPosition): boolean {
  return position !== undefined && position.partition === at.partition && position.offset >= at.offset;
}
