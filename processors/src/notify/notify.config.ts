import { z } from 'zod';

/** The variables of the notifications; whoever composes a process spreads them into the schema of its environment. */
export const notifyEnvironment = {
  /** `smtp://user:password@host:587` or `smtps://…:465`; holds a password and is never printed. */
  FIELDGATE_SMTP_URL: z
    .string()
    .refine(isSmtpUrl, 'must be smtp://user:password@host:port or smtps://user:password@host:port')
    .optional(),
  /** Signs the calls of webhooks that have no `secretFile`. */
  FIELDGATE_WEBHOOK_SECRET: z.string().min(16, 'must have at least 16 characters').optional(),
};

export interface NotifyConfig {
  readonly smtpUrl?: string | undefined;
  readonly webhookSecret?: string | undefined;
  /** Where a relative `secretFile` begins. */
  readonly rulesFile?: string | undefined;
}

export const NOTIFY_CONFIG = Symbol('NotifyConfig');

export function notifyConfigFrom(settings: {
  readonly FIELDGATE_SMTP_URL?: string | undefined;
  readonly FIELDGATE_WEBHOOK_SECRET?: string | undefined;
  readonly FIELDGATE_RULES_FILE?: string | undefined;
}): NotifyConfig {
  return {
    smtpUrl: settings.FIELDGATE_SMTP_URL,
    webhookSecret: settings.FIELDGATE_WEBHOOK_SECRET,
    rulesFile: settings.FIELDGATE_RULES_FILE,
  };
}

function isSmtpUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname !== '';
}
