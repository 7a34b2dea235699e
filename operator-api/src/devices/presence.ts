import { commandTopic, filterMatches, GATEWAY_LOST_MS, type SessionRecord } from '@fieldgate/contracts';
import { CLOCK, type Clock } from '@fieldgate/service';
import { Inject, Injectable } from '@nestjs/common';
import { DeviceTables } from './device-tables.js';

/** A command that stands for any other: whoever is subscribed to this one is subscribed to commands. */
const ANY_COMMAND = { id: 'x', name: 'y' };

/** Who is connected, judged from the tables: the newest session record, and whether its gateway still lives. */
@Injectable()
export class PresenceOfDevices {
  /** When the last heartbeat of each run of a gateway came in here: the gateways' own clocks say nothing about silence. */
  private readonly heard = new Map<string, number>();

  constructor(
    private readonly tables: DeviceTables,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    tables.gateways.changes(({ key, value }) => {
      if (value && !value.stopping) this.heard.set(key, clock.now());
      else this.heard.delete(key);
    });
  }

  /** The session of a device that is connected, as far as its gateway knows; undefined for all others. */
  session(deviceId: string): SessionRecord | undefined {
    const session = this.tables.sessions.get(deviceId);
    return session?.connected && !this.isLost(session) ? session : undefined;
  }

  commandReady(deviceId: string): boolean {
    const session = this.session(deviceId);
    return session !== undefined && isSubscribed(session, { deviceId, ...ANY_COMMAND });
  }

  /**
   * A gateway writes a heartbeat when it starts and every few seconds after that; one that was killed writes no `disconnected`, and
   * until the presence group has done so, its silence says it.
   */
  private isLost(session: SessionRecord): boolean {
    const heardAt = this.heard.get(`${session.gateway}/${session.boot}`);
    return heardAt === undefined || this.clock.now() - heardAt >= GATEWAY_LOST_MS;
  }
}

export function isSubscribed(
  session: SessionRecord,
  command: { readonly deviceId: string; readonly id: string; readonly name: string },
): boolean {
  const topic = commandTopic(command);
  return session.subscriptions.some(({ filter }) => filterMatches(filter, topic));
}
