import type { NotificationSettings } from '@fieldgate/alert-rules';
import { FieldgateError } from '@fieldgate/contracts';
import type { CommitLog } from '@fieldgate/commit-log';
import type { Clock, Logger, Supervisor } from '@fieldgate/service';
import { EmailSender } from './email/email-sender.js';
import { invalidSinks } from './notification-counters.js';
import type { NotifyConfig } from './notify.config.js';
import { NotifySink } from './notify-sink.js';
import type { CurrentRules } from './current-rules.js';
import type { Sender } from './sender.js';
import { WebhookSender } from './webhook/webhook-sender.js';
import type { Resolve } from './webhook/public-address.js';
import { webhookKey } from './webhook/webhook-secret.js';

export interface NotifySinksParts {
  readonly log: CommitLog;
  readonly rules: CurrentRules;
  readonly config: NotifyConfig;
  readonly clock: Clock;
  readonly monotonic: Clock;
  readonly logger: Logger;
  readonly supervisor: Supervisor;
  /** How a webhook's host is found; `resolveHost` when not given. */
  readonly resolve?: Resolve;
}

interface Running {
  /** What it was started with; another text means another sink. */
  readonly recipe: string;
  readonly sink: NotifySink;
}

/** What a sink needs before it can be started. */
interface Prepared {
  readonly settings: NotificationSettings;
  readonly recipe: string;
  readonly open: () => Sender;
}

/** Keeps as many sinks running as the rules in force name. One that cannot be used is said and counted, and the others go on. */
export class NotifySinks {
  private readonly running = new Map<string, Running>();
  private turn: Promise<void> = Promise.resolve();
  private ignoreRules: () => void = () => undefined;
  private isStopped = false;

  constructor(private readonly parts: NotifySinksParts) {}

  async start(): Promise<void> {
    if (this.isStopped) return;
    this.ignoreRules = this.parts.rules.changes(() =>
      this.parts.supervisor.run('notifications', () => this.follow()),
    );
    await this.follow();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.ignoreRules();
    await this.follow();
  }

  /** Rules may change while sinks are still being replaced: one change after the other. */
  private follow(): Promise<void> {
    const done = this.turn.then(() => this.replace());
    this.turn = done.catch(() => undefined); // whoever called hears of it
    return done;
  }

  private async replace(): Promise<void> {
    const wanted = this.isStopped ? new Map<string, Prepared>() : await this.prepared();
    await Promise.all(
      [...this.running].map(async ([name, { recipe, sink }]) => {
        if (wanted.get(name)?.recipe === recipe) return;
        await sink.stop();
        this.running.delete(name);
        this.parts.logger.info({ sink: name }, 'notification sink stopped');
      }),
    );
    await Promise.all([...wanted].map(([name, prepared]) => this.run(name, prepared)));
  }

  private async run(name: string, { settings, recipe, open }: Prepared): Promise<void> {
    if (this.running.has(name) || this.isStopped) return;
    const { rules, supervisor } = this.parts;
    const sink = new NotifySink({
      ...this.parts,
      settings,
      sender: open(),
      sinksOf: (rule) => rules.get().rules.find((each) => each.name === rule)?.notify,
      failed: (error) => supervisor.fail(`fieldgate.notify.${name}`, error),
    });
    this.running.set(name, { recipe, sink });
    await sink.start();
    this.parts.logger.info({ sink: name, kind: settings.kind }, 'notification sink started');
  }

  private async prepared(): Promise<Map<string, Prepared>> {
    const wanted = new Map<string, Prepared>();
    let invalid = 0;
    for (const settings of this.parts.rules.get().notifications) {
      const { name } = settings;
      try {
        if (wanted.has(name)) throw new FieldgateError('config-invalid', 'has the name of another sink');
        wanted.set(name, await this.prepare(settings));
      } catch (error) {
        if (!(error instanceof FieldgateError)) throw error;
        invalid += 1;
        this.parts.logger.error(
          { sink: name, code: error.code, detail: error.message },
          'notification sink cannot be used',
        );
      }
    }
    invalidSinks.set(invalid);
    return wanted;
  }

  /** Throws `config-invalid`. */
  private async prepare(settings: NotificationSettings): Promise<Prepared> {
    const { config, clock, resolve } = this.parts;
    if (settings.kind === 'email') {
      const { smtpUrl } = config;
      if (smtpUrl === undefined) throw new FieldgateError('config-invalid', 'needs FIELDGATE_SMTP_URL');
      const open = (): Sender => new EmailSender(settings.email, { smtpUrl });
      return { settings, recipe: JSON.stringify(settings), open };
    }
    const key = await webhookKey(settings.webhook, config);
    const options = { clock, key, ...(resolve ? { resolve } : {}) };
    const open = (): Sender => new WebhookSender(settings.webhook, options);
    return { settings, recipe: JSON.stringify([settings, key.toString('base64')]), open };
  }
}
