import { afterEach, describe, expect, it } from '@jest/globals';
import { alertStepId, encodeAlertStep, type Alert } from '@fieldgate/contracts';
import { cleared, raised } from '../../testing/alert-steps.js';
import { MailReceiver, refusal } from '../../testing/mail-receiver.js';
import type { SendResult } from '../sender.js';
import { EmailSender } from './email-sender.js';
import { messageIdOf, subjectOf, textOf } from './email-text.js';

const ADDRESSES = { to: ['ops@example.com', 'night@example.com'], from: 'fieldgate@example.com' };
const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});

async function receiverWith(options?: Parameters<typeof MailReceiver.open>[0]): Promise<MailReceiver> {
  const receiver = await MailReceiver.open(options);
  opened.push(receiver);
  return receiver;
}

function senderTo(smtpUrl: string, timeoutMs = 5_000): (more?: Partial<Alert>) => Promise<SendResult> {
  const sender = new EmailSender(ADDRESSES, { smtpUrl, timeoutMs });
  opened.push(sender);
  return (more) => {
    const step = raised(more);
    const notification = { id: alertStepId(step), step, event: encodeAlertStep(step, 0) };
    return sender.send(notification, new AbortController().signal);
  };
}

describe('a mail', () => {
  it('tells of the alert, and has the id of its step', async () => {
    const receiver = await receiverWith();
    expect(await senderTo(receiver.urlWith())()).toEqual({ kind: 'delivered' });
    const [mail = ''] = receiver.mails;
    expect(mail).toContain('Subject: [critical] pump-7: too-hot raised\r\n');
    expect(mail).toContain('Message-ID: <pump-7~too-hot~1000~raised@example.com>\r\n');
    expect(mail).toContain('From: fieldgate@example.com\r\nTo: ops@example.com, night@example.com\r\n');
    expect(mail).toContain('Auto-Submitted: auto-generated\r\n');
    expect(mail).toContain('pump-7: temperature is 85, limit 80\r\n');
    expect(mail).toContain('raised:     1970-01-01T00:00:01.000Z\r\n');
  });

  it('adds no header of its own making, whatever an alert says', async () => {
    const receiver = await receiverWith();
    const nasty = 'x\r\nBcc: everyone@example.com\r\n\r\nhello';
    expect(
      await senderTo(receiver.urlWith())({ id: nasty, deviceId: nasty, rule: nasty, text: nasty }),
    ).toEqual({
      kind: 'delivered',
    });
    const [head = ''] = (receiver.mails[0] ?? '').split('\r\n\r\n');
    expect(head.split('\r\n').filter((line) => /^bcc/i.test(line))).toEqual([]);
    expect(head.split('\r\n').filter((line) => /^message-id/i.test(line))).toHaveLength(1);
  });

  it('uses the connection of the one before', async () => {
    const receiver = await receiverWith();
    const send = senderTo(receiver.urlWith());
    for (const raisedAt of [1, 2, 3]) await send({ raisedAt });
    expect([receiver.mails.length, receiver.connections]).toEqual([3, 1]);
  });

  it('that is refused for good is given up', async () => {
    const receiver = await receiverWith({
      onRcptTo: (_address, _session, done) => done(refusal(550, 'no such mailbox')),
    });
    expect(await senderTo(receiver.urlWith())()).toMatchObject({
      kind: 'refused',
      code: 'notification-failed',
      detail: expect.stringContaining('550'),
    });
  });

  it('that some recipients do not get says how many', async () => {
    const receiver = await receiverWith({
      onRcptTo: ({ address }, _session, done) =>
        done(address.startsWith('night') ? refusal(550, 'no such mailbox') : null),
    });
    expect(await senderTo(receiver.urlWith())()).toEqual({
      kind: 'delivered',
      detail: 'refused for 1 of 2 recipients',
    });
  });

  it('that is refused for now comes again', async () => {
    const receiver = await receiverWith({
      onMailFrom: (_address, _session, done) => done(refusal(451, 'come back later')),
    });
    expect(await senderTo(receiver.urlWith())()).toMatchObject({ kind: 'again' });
  });

  it('that meets a wrong password comes again, and the password is not told', async () => {
    const receiver = await receiverWith();
    const result = await senderTo(receiver.urlWith('not-this-one'))();
    expect(result).toMatchObject({ kind: 'again' });
    expect(JSON.stringify(result)).not.toContain('not-this-one');
  });

  it('to a server that hangs is broken off in time', async () => {
    const receiver = await receiverWith({ onConnect: () => undefined }); // never greets
    expect(await senderTo(receiver.urlWith(), 100)()).toMatchObject({ kind: 'again' });
    const slow = await receiverWith({ onData: (stream) => void stream.resume() }); // never says that it has it
    expect(await senderTo(slow.urlWith(), 300)()).toMatchObject({ kind: 'again' });
  });

  it('to a server that is not there comes again', async () => {
    const receiver = await MailReceiver.open();
    const send = senderTo(receiver.urlWith());
    await receiver.close();
    expect(await send()).toMatchObject({ kind: 'again', detail: expect.stringContaining('ECONNREFUSED') });
  });
});

describe('the text of a mail', () => {
  it('has every time in UTC, and no line that an alert does not have', () => {
    expect(textOf(cleared({ text: 'pump-7: hot', peak: 91, escalatedAt: 1_200 }))).toBe(
      [
        'pump-7: hot',
        '',
        'step:       cleared',
        'device:     pump-7',
        'rule:       too-hot',
        'severity:   critical',
        'metric:     temperature',
        'value:      85',
        'limit:      80',
        'peak:       91',
        'since:      1970-01-01T00:00:01.000Z',
        'raised:     1970-01-01T00:00:01.000Z',
        'escalated:  1970-01-01T00:00:01.200Z',
        'cleared:    1970-01-01T00:00:01.500Z',
        'because:    condition',
        'alert:      pump-7~too-hot~1000',
        '',
      ].join('\n'),
    );
    expect(subjectOf(cleared())).toBe('[critical] pump-7: too-hot cleared');
  });

  it('is as many lines as it should be, whatever a device has said', () => {
    const step = raised({ text: 'hot\r\nraised: never', value: 'a\nb', rule: 'x\r\ny' });
    expect(textOf(step)).toContain('hot raised: never\n');
    expect(textOf(step)).toContain('value:      a b\n');
    expect(subjectOf(step)).toBe('[critical] pump-7: x y raised');
  });

  it('has an id that mail servers take', () => {
    expect(messageIdOf('pump-7~event.a b~1<>\r\n', 'ops@example.com')).toBe(
      '<pump-7~event.a_b~1____@example.com>',
    );
  });
});
