import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { alertStepId, encodeAlertStep } from '@fieldgate/contracts';
import { raised } from '../../testing/alert-steps.js';
import { accept, answer, hang, WebhookReceiver } from '../../testing/webhook-receiver.js';
import type { Notification, SendResult } from '../sender.js';
import type { Resolve } from './public-address.js';
import { retryAfterMs, WebhookSender } from './webhook-sender.js';

const SECRET = 'a-secret-of-a-test';
const NOW = 1_795_210_200_123;
const never = new AbortController().signal;
const step = raised();
const notification: Notification = { id: alertStepId(step), step, event: encodeAlertStep(step, NOW) };

let receiver: WebhookReceiver;
beforeEach(async () => (receiver = await WebhookReceiver.open(SECRET)));
afterEach(() => receiver.close());

function send(
  more: {
    url?: string;
    allowPrivate?: boolean;
    resolve?: Resolve;
    timeoutMs?: number;
    stop?: AbortSignal;
  } = {},
): Promise<SendResult> {
  const { url = receiver.url, allowPrivate = true, stop = never, ...options } = more;
  const clock = { now: () => NOW };
  return new WebhookSender({ url, allowPrivate }, { clock, key: Buffer.from(SECRET), ...options }).send(
    notification,
    stop,
  );
}

describe('a webhook', () => {
  it('is the CloudEvent of the log, signed', async () => {
    expect(await send()).toEqual({ kind: 'delivered' });
    const [call] = receiver.calls;
    expect(call?.isSigned).toBe(true);
    expect(call?.event).toMatchObject({
      specversion: '1.0',
      type: 'fieldgate.alerts.v1',
      source: '/devices/pump-7',
      subject: 'pump-7',
      id: 'pump-7~too-hot~1000~raised',
      data: step,
    });
    expect(call?.headers).toMatchObject({
      'content-type': 'application/cloudevents+json',
      'webhook-id': 'pump-7~too-hot~1000~raised',
      'webhook-timestamp': '1795210200',
    });
  });

  it('that hangs is broken off in time, and comes again', async () => {
    receiver.answers = hang;
    expect(await send({ timeoutMs: 50 })).toEqual({
      kind: 'again',
      detail: `127.0.0.1:${receiver.port} has not answered in time`,
    });
  });

  it('whose name server hangs is broken off in time', async () => {
    const resolve: Resolve = () => new Promise(() => undefined);
    expect(await send({ url: 'http://example.com/', resolve, timeoutMs: 50 })).toMatchObject({
      kind: 'again',
    });
  });

  it('that is in hand when the sink stops comes again', async () => {
    const stopping = new AbortController();
    receiver.answers = () => stopping.abort();
    expect(await send({ stop: stopping.signal })).toMatchObject({ kind: 'again' });
  });

  it('counts as delivered as soon as the answer says so, whatever becomes of its body', async () => {
    receiver.answers = (_, response) => {
      response.writeHead(200);
      response.write('the rest never comes');
    };
    expect(await send({ timeoutMs: 100 })).toEqual({ kind: 'delivered' });
    receiver.answers = (_, response) => void response.writeHead(200).end(Buffer.alloc(1024 * 1024));
    expect(await send()).toEqual({ kind: 'delivered' });
  });

  it.each([408, 425, 429, 500, 503])('answered with %d comes again', async (status) => {
    receiver.answers = answer(status);
    expect(await send()).toEqual({ kind: 'again', detail: `127.0.0.1:${receiver.port} answered ${status}` });
  });

  it('comes again when the receiver says', async () => {
    receiver.answers = answer(429, { 'retry-after': '120' });
    expect(await send()).toMatchObject({ kind: 'again', afterMs: 120_000 });
  });

  it.each([400, 401, 404, 410])('answered with %d is given up', async (status) => {
    receiver.answers = answer(status);
    expect(await send()).toMatchObject({ kind: 'refused', code: 'notification-failed' });
  });

  it('follows no redirect, and says so', async () => {
    const elsewhere = await WebhookReceiver.open(SECRET);
    receiver.answers = answer(307, { location: elsewhere.url });
    expect(await send()).toMatchObject({
      kind: 'refused',
      detail: expect.stringContaining('redirects are not followed'),
    });
    expect(elsewhere.calls).toEqual([]);
    await elsewhere.close();
  });

  it('that cannot be reached comes again, and no part of the address but the host is told', async () => {
    const url = receiver.url.replace('127', 'user:hidden@127');
    await receiver.close();
    const result = await send({ url });
    expect(result).toMatchObject({ kind: 'again', detail: expect.stringContaining('ECONNREFUSED') });
    expect(JSON.stringify(result)).not.toMatch(/hidden|hook/);
  });

  it('over TLS is broken off when the certificate is not good', async () => {
    expect(await send({ url: receiver.url.replace('http:', 'https:') })).toMatchObject({ kind: 'again' });
    expect(receiver.calls).toEqual([]);
  });

  it('at a private address is refused, also behind a name', async () => {
    const resolve: Resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    for (const url of [receiver.url, `http://example.com:${receiver.port}/`])
      expect(await send({ url, resolve, allowPrivate: false })).toMatchObject({
        kind: 'refused',
        code: 'address-forbidden',
      });
    expect(receiver.calls).toEqual([]);
  });

  it('is sent to the very address that was checked, with the name in Host', async () => {
    receiver.answers = accept;
    let asked = 0;
    const resolve: Resolve = async () => [{ address: asked++ === 0 ? '127.0.0.1' : '127.0.0.2', family: 4 }];
    const url = `http://hook.invalid:${receiver.port}/`; // no name server knows it
    expect(await send({ url, resolve })).toEqual({ kind: 'delivered' });
    expect(asked).toBe(1);
    expect(receiver.calls[0]?.headers.host).toBe(`hook.invalid:${receiver.port}`);
  });
});

it.each([
  [undefined, undefined],
  ['7', 7_000],
  ['86400', 300_000],
  [new Date(NOW + 61_000).toUTCString(), 60_877], // whole seconds
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
  ['soon', undefined],
])('Retry-After: %s is %s ms', (header, ms) => {
  expect(retryAfterMs(header, NOW)).toBe(ms);
});
