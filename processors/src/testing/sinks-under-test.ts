import { notificationSchema } from '@fieldgate/alert-rules';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import { createLogger, Supervisor } from '@fieldgate/service';
import { register } from 'prom-client';
import { CurrentRules, type NotifyRules } from '../notify/current-rules.js';
import type { NotifyConfig } from '../notify/notify.config.js';
import { NotifySinks } from '../notify/notify-sinks.js';
import type { Resolve } from '../notify/webhook/public-address.js';
import { WebhookReceiver } from './webhook-receiver.js';
import { jsonOf, recordsOf } from './written.js';

export const SECRET = 'a-secret-of-a-test';
export const MINUTE = 60_000;

/** The notifications of one process over a log in memory, with a clock that is held, and somebody who receives webhooks. */
export class SinksUnderTest {
  readonly rules = new CurrentRules();
  readonly failures: unknown[] = [];
  readonly lines: string[] = [];
  /** How the webhooks that are started next find their hosts. */
  resolve: Resolve | undefined;
  /** How often the sinks looked at their clocks. */
  asked = 0;
  private sinks: NotifySinks | undefined;

  private constructor(
    public log: MemoryLog,
    readonly receiver: WebhookReceiver,
    private readonly held: { now: number },
  ) {}

  /** Of the log, and both clocks of the sinks. */
  get now(): number {
    return this.held.now;
  }

  set now(ms: number) {
    this.held.now = ms;
  }

  static async open(): Promise<SinksUnderTest> {
    register.resetMetrics();
    const held = { now: Date.parse('2026-06-01T12:00:00Z') };
    const log = createMemoryLog({ partitions: 2, clock: { now: () => held.now } });
    await log.start();
    return new SinksUnderTest(log, await WebhookReceiver.open(SECRET), held);
  }

  async close(): Promise<void> {
    await this.stop();
    await this.receiver.close();
    await this.log.stop();
  }

  /** A webhook to the receiver, named `ops`, with what the test cares about. */
  ops(more: object = {}): object {
    return { name: 'ops', webhook: { url: this.receiver.url, allowPrivate: true }, ...more };
  }

  inForce(notifications: readonly object[], more: Partial<NotifyRules> = {}): void {
    const parsed = notifications.map((each) => notificationSchema.parse(each));
    this.rules.use({ rules: [], notifications: parsed, ...more });
  }

  async start(notifications: readonly object[], config: NotifyConfig = {}): Promise<void> {
    const { log, rules } = this;
    const logger = createLogger({ level: 'info' }, { write: (line) => void this.lines.push(line) });
    const supervisor = new Supervisor(logger);
    supervisor.onFailure((error) => this.failures.push(error));
    const clock = {
      now: () => {
        this.asked += 1;
        return this.now;
      },
    };
    this.sinks = new NotifySinks({
      log,
      rules,
      config: { webhookSecret: SECRET, ...config },
      clock,
      monotonic: clock,
      logger,
      supervisor,
      ...(this.resolve ? { resolve: this.resolve } : {}),
    });
    this.inForce(notifications);
    await this.sinks.start();
  }

  async stop(): Promise<void> {
    await this.sinks?.stop();
    this.sinks = undefined;
  }

  /** The process ends, and another one begins with the same log. */
  async restart(notifications: readonly object[]): Promise<void> {
    await this.stop();
    await this.log.stop();
    this.log = this.log.restarted();
    await this.log.start();
    await this.start(notifications);
  }

  async letters(): Promise<{ code: string; detail: string; origin: object }[]> {
    const records = await recordsOf(this.log, 'fieldgate.dead-letters.v1');
    return records.map(
      (record) => jsonOf(record)['data'] as { code: string; detail: string; origin: object },
    ); // encodeDeadLetter wrote it
  }
}

export async function counted(metric: string, labels: Record<string, string>): Promise<number> {
  const values = (await register.getSingleMetric(metric)?.get())?.values ?? [];
  const isMeant = (of: object): boolean =>
    Object.entries(labels).every(([name, value]) => Reflect.get(of, name) === value);
  return values.find((each) => isMeant(each.labels))?.value ?? 0;
}

export const outcomes = (outcome: string, sink = 'ops'): Promise<number> =>
  counted('fieldgate_notifications_total', { sink, outcome });

export const retries = (sink = 'ops'): Promise<number> =>
  counted('fieldgate_notification_retries_total', { sink });
