import { HeardGateways, COMMIT_LOG, type CommitLog } from '@fieldgate/commit-log';
import { commandTopic, filterMatches, type SessionRecord } from '@fieldgate/contracts';
import { MONOTONIC, type Clock } from '@fieldgate/service';
import {
  Inject,
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DeviceTables } from './device-tables.js';

/** An outage of the log that is shorter than this costs a gateway nothing anyway. */
const LOOK_EVERY_MS = 1_000;

/** A command that stands for any other: whoever is subscribed to this one is subscribed to commands. */
const ANY_COMMAND = { id: 'x', name: 'y' };

/** Who is connected, judged from the tables: the newest session record, and whether its gateway still lives. */
@Injectable()
export class PresenceOfDevices implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly heard: HeardGateways;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly tables: DeviceTables,
    @Inject(COMMIT_LOG) log: CommitLog,
    @Inject(MONOTONIC) monotonic: Clock,
  ) {
    this.heard = new HeardGateways(tables.gateways, monotonic, () => log.problem());
  }

  onApplicationBootstrap(): void {
    this.heard.look();
    this.timer = setInterval(() => this.heard.look(), LOOK_EVERY_MS);
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.timer);
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
  private isLost({ gateway, boot }: SessionRecord): boolean {
    return this.heard.isSilent(gateway, boot);
  }
}

export function isSubscribed(
  session: SessionRecord,
  command: { readonly deviceId: string; readonly id: string; readonly name: string },
): boolean {
  const topic = commandTopic(command);
  return session.subscriptions.some(({ filter }) => filterMatches(filter, topic));
}
