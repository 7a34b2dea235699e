import { encodeTableRow, HEARTBEAT_INTERVAL_MS, type GatewayHeartbeat } from '@fieldgate/contracts';
import { appended, type CommitLog } from '@fieldgate/commit-log';
import { pause, type Clock, type Logger } from '@fieldgate/service';

const LAST_BEAT_MS = 1_000;

/** Tells the others every 5 s that this run of this gateway lives; when it is silent, `presence` ends its sessions. */
export class GatewayBeat {
  private beats = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly startedAt: number;

  constructor(
    private readonly identity: { readonly gatewayId: string; readonly boot: string },
    private readonly log: CommitLog,
    private readonly connections: () => number,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    this.startedAt = clock.now();
  }

  /** The first one is durable before any device can connect: a session always has a known gateway. */
  async start(): Promise<void> {
    await this.beat(false);
    this.timer = setInterval(() => {
      this.beat(false).catch((error: unknown) => this.logger.warn({ err: error }, 'heartbeat not written'));
    }, HEARTBEAT_INTERVAL_MS);
  }

  /** While the log is away nobody could read it: a stop must not wait for that, nor for longer than it has. */
  async stop(withinMs: number): Promise<void> {
    clearInterval(this.timer);
    if (this.log.problem() !== undefined) return;
    const said = this.beat(true).catch((error: unknown) =>
      this.logger.warn({ err: error }, 'last heartbeat not written'),
    );
    const timeUp = new AbortController();
    await Promise.race([said, pause(Math.min(withinMs, LAST_BEAT_MS), timeUp.signal)]);
    timeUp.abort();
  }

  private async beat(stopping: boolean): Promise<void> {
    const { gatewayId, boot } = this.identity;
    const heartbeat: GatewayHeartbeat = {
      gateway: gatewayId,
      boot,
      at: this.clock.now(),
      startedAt: this.startedAt,
      connections: this.connections(),
      stopping,
    };
    const key = `${gatewayId}/${boot}`;
    await appended(this.log.writer, {
      topic: 'fieldgate.gateways.v1',
      key,
      value: encodeTableRow('fieldgate.gateways.v1', {
        key,
        id: `${boot}-${(this.beats += 1)}`,
        atMs: heartbeat.at,
        data: heartbeat,
      }),
    });
  }
}
