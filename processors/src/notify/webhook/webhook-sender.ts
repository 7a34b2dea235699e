import type { WebhookSettings } from '@fieldgate/alert-rules';
import { CLOUD_EVENT_CONTENT_TYPE, isRejection } from '@fieldgate/contracts';
import type { Clock } from '@fieldgate/service';
import { inTime, SEND_TIMEOUT_MS, type Notification, type Sender, type SendResult } from '../sender.js';
import { post, type Answer } from './post.js';
import { addressesOf, type Resolve } from './public-address.js';
import { resolveHost } from './resolve-host.js';
import { signatureOf } from './webhook-secret.js';

export interface WebhookSenderOptions {
  readonly clock: Clock;
  readonly key: Buffer;
  readonly resolve?: Resolve;
  readonly timeoutMs?: number;
}

/** Statuses below 500 that say "not now": timeout, too early, too many. */
const NOT_NOW = new Set([408, 425, 429]);
const LONGEST_RETRY_AFTER_MS = 5 * 60_000;

/** POSTs the event as it stands in the log (CloudEvents HTTP binding, structured mode), signed as in Standard Webhooks. */
export class WebhookSender implements Sender {
  private readonly url: URL;

  constructor(
    private readonly settings: WebhookSettings['webhook'],
    private readonly options: WebhookSenderOptions,
  ) {
    this.url = new URL(settings.url);
  }

  send(notification: Notification, stop: AbortSignal): Promise<SendResult> {
    const timeoutMs = this.options.timeoutMs ?? SEND_TIMEOUT_MS;
    return inTime({ stop, timeoutMs, receiver: this.url.host }, (signal) =>
      this.exchange(notification, signal),
    );
  }

  close(): void {
    // every call has a connection of its own
  }

  private async exchange(notification: Notification, signal: AbortSignal): Promise<SendResult> {
    const { allowPrivate } = this.settings;
    const resolve = this.options.resolve ?? resolveHost;
    const addresses = await unlessAborted(addressesOf(this.url.hostname, { allowPrivate, resolve }), signal);
    if (isRejection(addresses)) return { kind: 'refused', code: addresses.code, detail: addresses.detail };
    const headers = this.headersOf(notification);
    const answer = await post({ url: this.url, addresses, headers, body: notification.event, signal });
    return this.resultOf(answer);
  }

  private headersOf({ id, event }: Notification): Record<string, string> {
    const seconds = Math.floor(this.options.clock.now() / 1000);
    return {
      'content-type': CLOUD_EVENT_CONTENT_TYPE,
      'user-agent': 'Fieldgate',
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': signatureOf(this.options.key, { id, seconds, body: event }),
    };
  }

  private resultOf({ status, retryAfter }: Answer): SendResult {
    if (status >= 200 && status < 300) return { kind: 'delivered' };
    const detail = `${this.url.host} answered ${status}`;
    if (status >= 500 || NOT_NOW.has(status)) {
      const afterMs = retryAfterMs(retryAfter, this.options.clock.now());
      return { kind: 'again', detail, ...(afterMs === undefined ? {} : { afterMs }) };
    }
    const isRedirect = status >= 300 && status < 400;
    return {
      kind: 'refused',
      code: 'notification-failed',
      detail: isRedirect ? `${detail}: redirects are not followed` : detail,
    };
  }
}

/** Seconds or a date [RFC 9110, 10.2.3]; at most five minutes. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}

/** A lookup is shared: it goes on for the others who wait for it, and ends by itself. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('given up')), { once: true });
    promise.then(resolve, reject);
  });
}
