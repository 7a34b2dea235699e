import type { EmailSettings } from '@fieldgate/alert-rules';
import { createTransport } from 'nodemailer';
import {
  codeOf,
  detailOf,
  inTime,
  SEND_TIMEOUT_MS,
  type Notification,
  type Sender,
  type SendResult,
} from '../sender.js';
import { messageIdOf, subjectOf, textOf } from './email-text.js';

/** As many as the topic has partitions: none waits for another. */
const MOST_CONNECTIONS = 8;

/** Sends mails over SMTP, on connections that stay open for a while. */
export class EmailSender implements Sender {
  private readonly transport;
  private readonly timeoutMs: number;

  constructor(
    private readonly settings: EmailSettings['email'],
    options: { readonly smtpUrl: string; readonly timeoutMs?: number },
  ) {
    this.timeoutMs = options.timeoutMs ?? SEND_TIMEOUT_MS;
    this.transport = createTransport({
      url: options.smtpUrl,
      pool: true,
      maxConnections: MOST_CONNECTIONS,
      maxRequeues: 0,
      dnsTimeout: this.timeoutMs,
      connectionTimeout: this.timeoutMs,
      greetingTimeout: this.timeoutMs,
      socketTimeout: this.timeoutMs,
      disableFileAccess: true,
      disableUrlAccess: true,
    });
  }

  send(notification: Notification, stop: AbortSignal): Promise<SendResult> {
    return inTime({ stop, timeoutMs: this.timeoutMs, receiver: 'the SMTP server' }, (signal) =>
      this.mail(notification, signal),
    );
  }

  close(): void {
    this.transport.close();
  }

  private async mail({ id, step }: Notification, signal: AbortSignal): Promise<SendResult> {
    const { to, from } = this.settings;
    try {
      const { rejected } = await this.transport.sendMail({
        from,
        to,
        subject: subjectOf(step),
        text: textOf(step),
        messageId: messageIdOf(id, from),
        headers: { 'Auto-Submitted': 'auto-generated' }, // [RFC 3834]: no holiday notes in answer
        signal,
      });
      if (rejected.length === 0) return { kind: 'delivered' };
      return { kind: 'delivered', detail: `refused for ${rejected.length} of ${to.length} recipients` };
    } catch (error) {
      if (!isFinal(error)) throw error;
      return { kind: 'refused', code: 'notification-failed', detail: detailOf(error) };
    }
  }
}

/** 5xx [RFC 5321, 4.2.1], but not to our login: that is no fault of this mail, and may be mended. */
function isFinal(error: unknown): boolean {
  if (!(error instanceof Error) || codeOf(error) === 'EAUTH') return false;
  return 'responseCode' in error && Number(error.responseCode) >= 500;
}
