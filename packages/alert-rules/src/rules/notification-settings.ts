import { RULE_NAME, SEVERITIES } from '@fieldgate/contracts';
import { z } from 'zod';

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const UNITS_MS = { s: 1000, m: MINUTE_MS, h: 60 * MINUTE_MS, d: DAY_MS } as const;

/** As people write it: `30s`, `10m`, `1h`, `2d`; out come milliseconds. */
const duration = (maxMs: number) =>
  z
    .string()
    .regex(/^\d{1,6}[smhd]$/, 'must be a duration such as 30s, 10m, 1h or 2d')
    .transform((text) => Number(text.slice(0, -1)) * UNITS_MS[text.slice(-1) as keyof typeof UNITS_MS]) // the pattern allows no other unit
    .refine((ms) => ms <= maxMs, `must not be longer than ${maxMs / DAY_MS}d`);

/** `HH:MM` on the wall; out come minutes since midnight. */
const timeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 22:00')
  .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));

const timezone = z.string().refine(isTimezone, 'must be a time zone such as Europe/Berlin or UTC');

const webhook = z.strictObject({
  url: z.url({ protocol: /^https?$/, error: 'must be an http or https address' }),
  /** A file with the secret that signs, relative to the rules file; without one FIELDGATE_WEBHOOK_SECRET signs. */
  secretFile: z.string().min(1).optional(),
  /** Loopback, private and link-local addresses are refused unless this is set. */
  allowPrivate: z.boolean().default(false),
});

const email = z.strictObject({
  to: z.array(z.email('must be an e-mail address')).min(1).max(50),
  from: z.email('must be an e-mail address'),
});

const severities = z.array(z.enum(SEVERITIES)).min(1);

/** `from` is within, `to` is not; over midnight when `to` is the earlier one. */
const quietHours = z
  .strictObject({
    from: timeOfDay,
    to: timeOfDay,
    timezone: timezone.default('UTC'),
    /** Severities that are sent all the same. */
    except: severities.optional(),
  })
  .refine(({ from, to }) => from !== to, 'from and to must differ')
  .transform(({ from, to, ...rest }) => ({ fromMinute: from, toMinute: to, ...rest }));

/** One entry of `notifications` in the rules file: where to, which, and when not. */
export const notificationSchema = z
  .strictObject({
    /** Also the end of the name of its consumer group. */
    name: z.string().regex(RULE_NAME, 'must be a letter or digit, then up to 63 letters, digits, _ or -'),
    webhook: webhook.optional(),
    email: email.optional(),
    severities: severities.optional(),
    /** Names of rules; `event.<type>` for the condition of a device. */
    rules: z.array(z.string().min(1).max(128)).min(1).optional(),
    quiet: duration(30 * DAY_MS).optional(),
    quietHours: quietHours.optional(),
    maxAge: duration(30 * DAY_MS).default(60 * MINUTE_MS),
    giveUpAfter: duration(7 * DAY_MS).default(60 * MINUTE_MS),
  })
  .transform(({ webhook, email, quiet, maxAge, giveUpAfter, ...rest }, context) => {
    const common = { ...rest, quietMs: quiet ?? 0, maxAgeMs: maxAge, giveUpAfterMs: giveUpAfter };
    if (webhook && !email) return { ...common, kind: 'webhook' as const, webhook };
    if (email && !webhook) return { ...common, kind: 'email' as const, email };
    context.addIssue({ code: 'custom', message: 'must have either webhook or email' });
    return z.NEVER;
  });

export type NotificationSettings = Readonly<z.infer<typeof notificationSchema>>;
export type WebhookSettings = Extract<NotificationSettings, { kind: 'webhook' }>;
export type EmailSettings = Extract<NotificationSettings, { kind: 'email' }>;
export type QuietHours = NonNullable<NotificationSettings['quietHours']>;

function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false; // that is how Intl says that it knows no such zone
  }
}
