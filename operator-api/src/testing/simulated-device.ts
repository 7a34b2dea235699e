import { appended, type CommitLog, type LogPosition } from '@fieldgate/commit-log';
import {
  encodeCommandStep,
  encodeTableRow,
  type CommandStep,
  type GatewayHeartbeat,
  type SessionRecord,
} from '@fieldgate/contracts';

/** What the API follows in the log. */
export type FollowedTopic = 'fieldgate.commands.v1' | 'fieldgate.sessions.v1' | 'fieldgate.gateways.v1';

export interface SimulatedWorld {
  readonly log: CommitLog;
  now(): number;
  /** Resolves when the API has read this record. */
  seen(topic: FollowedTopic, at: LogPosition): Promise<void>;
}

/** What a gateway writes into the log for one device: its session, and what became of its commands. Resolves when the API has seen it. */
export class SimulatedDevice {
  private steps = 0;

  constructor(
    private readonly world: SimulatedWorld,
    private readonly id: string,
  ) {}

  async connect(filters: readonly string[] = [`devices/${this.id}/commands/#`]): Promise<void> {
    await this.heartbeat();
    await this.session({ subscriptions: filters.map((filter) => ({ filter, qos: 1 as const })) });
  }

  async disconnect(): Promise<void> {
    await this.session({
      connected: false,
      disconnectedAt: this.world.now(),
      reason: 'client',
      subscriptions: [],
    });
  }

  /** `skewMs`: how far the gateway's clock is off. */
  async heartbeat(skewMs = 0): Promise<void> {
    const beat: GatewayHeartbeat = {
      gateway: 'gw-1',
      boot: 'b1',
      at: this.world.now() + skewMs,
      startedAt: this.world.now(),
      connections: 1,
      stopping: false,
    };
    await this.put('fieldgate.gateways.v1', 'gw-1/b1', beat);
  }

  send(commandId: string): Promise<void> {
    return this.step({ step: 'sent', ...this.stepOf(commandId), ...ATTEMPT, qos: 1 });
  }

  deliver(commandId: string): Promise<void> {
    return this.step({ step: 'delivered', ...this.stepOf(commandId), ...ATTEMPT });
  }

  progress(commandId: string): Promise<void> {
    const body = { encoding: 'json', json: { percent: 50 } } as const;
    return this.step({ step: 'in-progress', ...this.stepOf(commandId), status: 102, body });
  }

  succeed(commandId: string, json: unknown): Promise<void> {
    const body = { encoding: 'json', json } as const;
    return this.step({ step: 'succeeded', ...this.stepOf(commandId), status: 200, body });
  }

  /** Any step, as a gateway or the deadlines would write it. */
  step(step: CommandStep): Promise<void> {
    const value = encodeCommandStep(step, `${step.step}-${++this.steps}`);
    return this.append('fieldgate.commands.v1', this.id, value);
  }

  private async session(part: Partial<SessionRecord>): Promise<void> {
    await this.put('fieldgate.sessions.v1', this.id, {
      deviceId: this.id,
      gateway: 'gw-1',
      boot: 'b1',
      connection: 'c1',
      connected: true,
      connectedAt: this.world.now(),
      protocol: '5',
      keepAliveSeconds: 60,
      expirySeconds: 3600,
      subscriptions: [],
      ...part,
    } satisfies SessionRecord);
  }

  private put(
    topic: Exclude<FollowedTopic, 'fieldgate.commands.v1'>,
    key: string,
    row: GatewayHeartbeat | SessionRecord,
  ): Promise<void> {
    const id = `${++this.steps}`;
    return this.append(topic, key, encodeTableRow(topic, { key, id, atMs: this.world.now(), data: row }));
  }

  private async append(topic: FollowedTopic, key: string, value: Uint8Array): Promise<void> {
    await this.world.seen(topic, await appended(this.world.log.writer, { topic, key, value }));
  }

  private stepOf(commandId: string): { commandId: string; deviceId: string; at: number } {
    return { commandId, deviceId: this.id, at: this.world.now() };
  }
}

const ATTEMPT = { gateway: 'gw-1', connection: 'c1', attempt: 1 };
