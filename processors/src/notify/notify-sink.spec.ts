import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appended } from '@fieldgate/commit-log';
import { register } from 'prom-client';
import { cleared, raised, writeAlert } from '../testing/alert-steps.js';
import { MailReceiver } from '../testing/mail-receiver.js';
import { counted, MINUTE, outcomes, retries, SECRET, SinksUnderTest } from '../testing/sinks-under-test.js';
import { until } from '../testing/until.js';
import { accept, answer, hang, WebhookReceiver } from '../testing/webhook-receiver.js';

let t: SinksUnderTest;
beforeEach(async () => (t = await SinksUnderTest.open()));
afterEach(async () => {
  await t.close();
  expect(t.failures).toEqual([]);
});

describe('a sink', () => {
  it('gets each step once, in the order of its device', async () => {
    await t.start([t.ops()]);
    await writeAlert(t.log, raised({ raisedAt: 1 }), t.now);
    await writeAlert(t.log, cleared({ raisedAt: 1 }), t.now);
    await writeAlert(t.log, raised({ raisedAt: 2 }), t.now);
    await until(() => t.receiver.calls.length === 3);
    expect(t.receiver.ids).toEqual([
      'pump-7~too-hot~1~raised',
      'pump-7~too-hot~1~cleared',
      'pump-7~too-hot~2~raised',
    ]);
    expect(t.receiver.calls.every(({ isSigned }) => isSigned)).toBe(true);
    await until(async () => (await outcomes('delivered')) === 3);
  });

  it('gets a step once that stands in the log twice', async () => {
    await t.start([t.ops()]);
    await writeAlert(t.log, raised({ raisedAt: 1 }), t.now);
    await until(() => t.receiver.calls.length === 1);
    await writeAlert(t.log, raised({ raisedAt: 1 }), t.now);
    await writeAlert(t.log, raised({ raisedAt: 2 }), t.now);
    await until(() => t.receiver.ids.includes('pump-7~too-hot~2~raised'));
    expect(t.receiver.ids).toEqual(['pump-7~too-hot~1~raised', 'pump-7~too-hot~2~raised']);
  });

  it('shows on /metrics how many steps it has not passed yet', async () => {
    t.receiver.answers = hang;
    await t.start([t.ops({ name: 'behind' })]);
    for (let n = 0; n < 3; n += 1) await writeAlert(t.log, raised({ raisedAt: n }), t.now);
    const lag = async (): Promise<number | undefined> => {
      const metric = await register.getSingleMetric('fieldgate_consumer_group_lag_records')?.get();
      return metric?.values.find(({ labels }) => labels['group'] === 'fieldgate.notify.behind')?.value;
    };
    await until(async () => (await lag()) === 3);
  });

  it('that hangs holds up no other, and a stop does not wait for it', async () => {
    const hanging = await WebhookReceiver.open(SECRET);
    hanging.answers = hang;
    const mail = await MailReceiver.open();
    await t.start(
      [
        t.ops({ name: 'hanging', webhook: { url: hanging.url, allowPrivate: true } }),
        t.ops(),
        { name: 'mail', email: { to: ['ops@example.com'], from: 'fieldgate@example.com' } },
      ],
      { smtpUrl: mail.urlWith() },
    );
    for (let n = 0; n < 20; n += 1) await writeAlert(t.log, raised({ deviceId: `pump-${n}` }), t.now);
    await until(() => t.receiver.calls.length === 20 && mail.mails.length === 20);
    expect(hanging.calls.length).toBeLessThanOrEqual(2); // one per partition
    const before = performance.now();
    await t.stop();
    expect(performance.now() - before).toBeLessThan(5_000);
    await hanging.close();
    await mail.close();
  });

  it('gets again what failed, until it is taken, and nothing in between', async () => {
    t.receiver.answers = (call, response) => (call < 2 ? answer(500) : accept)(call, response);
    await t.start([t.ops()]);
    await writeAlert(t.log, raised({ raisedAt: 1 }), t.now);
    await writeAlert(t.log, raised({ rule: 'silent', raisedAt: 2 }), t.now);
    await until(async () => (await retries()) === 1);
    t.now += 2_000;
    await until(async () => (await retries()) === 2);
    t.now += 4_000;
    await until(() => t.receiver.calls.length === 4);
    expect(t.receiver.ids).toEqual([
      ...Array.from({ length: 3 }, () => 'pump-7~too-hot~1~raised'),
      'pump-7~silent~2~raised',
    ]);
    expect(await t.letters()).toEqual([]);
  });

  it('is not called before the time that its receiver has t.asked for', async () => {
    t.receiver.answers = (call, response) =>
      (call === 0 ? answer(429, { 'retry-after': '120' }) : accept)(call, response);
    await t.start([t.ops()]);
    await writeAlert(t.log, raised(), t.now);
    await until(async () => (await retries()) === 1);
    t.now += 119_000;
    const before = t.asked;
    await until(() => t.asked > before + 5); // it has come again some times
    expect(t.receiver.calls).toHaveLength(1);
    t.now += 1_000;
    await until(() => t.receiver.calls.length === 2);
  });

  it('is given up after its time, and the notification is a dead letter', async () => {
    t.receiver.answers = answer(503);
    await t.start([t.ops({ giveUpAfter: '10m' })]);
    const { partition, offset } = await writeAlert(t.log, raised(), t.now);
    await until(async () => (await retries()) === 1);
    t.now += 10 * MINUTE;
    await until(async () => (await t.letters()).length === 1);
    expect(await t.letters()).toMatchObject([
      {
        code: 'notification-failed',
        detail: `ops: given up after 2 tries: 127.0.0.1:${t.receiver.port} answered 503`,
        origin: {
          kind: 'log',
          topic: 'fieldgate.alerts.v1',
          partition,
          offset,
          group: 'fieldgate.notify.ops',
        },
      },
    ]);
    expect(await outcomes('given-up')).toBe(1);
  });

  it('that refuses gets the next one, and the refused one is a dead letter at once', async () => {
    t.receiver.answers = (call, response) => (call === 0 ? answer(400) : accept)(call, response);
    await t.start([t.ops()]);
    await writeAlert(t.log, raised({ raisedAt: 1 }), t.now);
    await writeAlert(t.log, cleared({ raisedAt: 1 }), t.now); // nobody knows of its beginning
    await writeAlert(t.log, raised({ raisedAt: 2 }), t.now);
    await until(() => t.receiver.calls.length === 2);
    expect(t.receiver.ids[1]).toBe('pump-7~too-hot~2~raised');
    await until(async () => (await t.letters()).length === 1);
    expect(await t.letters()).toMatchObject([{ detail: expect.stringMatching(/^ops: \S+ answered 400$/) }]);
    expect([await outcomes('refused'), await outcomes('skipped')]).toEqual([1, 1]);
  });

  it('is not called again while the dead letter cannot be written', async () => {
    t.receiver.answers = (_, response) => {
      t.log.goAway();
      answer(400)(0, response);
    };
    await t.start([t.ops()]);
    await writeAlert(t.log, raised(), t.now);
    await until(
      async () => (await counted('fieldgate_processor_retries_total', { group: 'fieldgate.notify.ops' })) > 1,
    );
    t.log.comeBack();
    await until(async () => (await t.letters()).length === 1);
    expect(t.receiver.calls).toHaveLength(1);
  });

  it('at a private address gets nothing, unless the rules allow it', async () => {
    await t.start([t.ops({ webhook: { url: t.receiver.url } })]);
    await writeAlert(t.log, raised(), t.now);
    await writeAlert(t.log, raised({ raisedAt: 2 }), t.now);
    await until(async () => (await t.letters()).length === 2);
    expect(await t.letters()).toMatchObject([{ code: 'address-forbidden' }, { code: 'address-forbidden' }]);
    expect(t.receiver.calls).toEqual([]);
    expect(t.lines.filter((line) => line.includes('no public address'))).toHaveLength(1);
  });

  it('passes a record that is none of ours', async () => {
    await t.start([t.ops()]);
    await appended(t.log.writer, { topic: 'fieldgate.alerts.v1', key: 'pump-7', value: Buffer.from('{}') });
    await writeAlert(t.log, raised(), t.now);
    await until(() => t.receiver.calls.length === 1);
    expect(await t.letters()).toMatchObject([{ code: 'record-unreadable' }]);
  });
});
