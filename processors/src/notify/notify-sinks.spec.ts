import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cleared, raised, writeAlert } from '../testing/alert-steps.js';
import { counted, MINUTE, outcomes, retries, SECRET, SinksUnderTest } from '../testing/sinks-under-test.js';
import { NameServer } from '../testing/name-server.js';
import { until } from '../testing/until.js';
import { accept, answer, hang, WebhookReceiver } from '../testing/webhook-receiver.js';
import { hostLookups } from './webhook/resolve-host.js';

let t: SinksUnderTest;
beforeEach(async () => (t = await SinksUnderTest.open()));
afterEach(async () => {
  await t.close();
  expect(t.failures).toEqual([]);
});

describe('a sink that is new', () => {
  it('does not send what is old', async () => {
    await writeAlert(t.log, raised({ raisedAt: 1 }), t.now);
    t.now += 90 * MINUTE;
    await writeAlert(t.log, cleared({ raisedAt: 1 }), t.now);
    await writeAlert(t.log, raised({ raisedAt: 2 }), t.now);
    t.now += 30 * MINUTE;
    await t.start([t.ops()]);
    await until(() => t.receiver.calls.length === 1);
    expect(t.receiver.ids).toEqual(['pump-7~too-hot~2~raised']);
    expect(await outcomes('too-old')).toBe(1);
  });
});

describe('a restart', () => {
  it('sends nothing again, and goes on where it was', async () => {
    await t.start([t.ops()]);
    await writeAlert(t.log, raised(), t.now);
    await until(async () => (await outcomes('delivered')) === 1);
    await t.restart([t.ops()]);
    await writeAlert(t.log, cleared(), t.now);
    await writeAlert(t.log, cleared({ rule: 'silent' }), t.now); // was never raised
    await writeAlert(t.log, raised({ raisedAt: 2 }), t.now);
    await until(() => t.receiver.calls.length === 3);
    expect(t.receiver.ids).toEqual([
      'pump-7~too-hot~1000~raised',
      'pump-7~too-hot~1000~cleared',
      'pump-7~too-hot~2~raised',
    ]);
  });

  it('does not forget who must hear that an alert is over, however much came in between', async () => {
    const one = [t.ops({ rules: ['too-hot'] })];
    await t.start(one);
    await writeAlert(t.log, raised(), t.now);
    await until(async () => (await outcomes('delivered')) === 1);
    t.now += 20 * 24 * 60 * MINUTE; // open for weeks
    const others = Array.from({ length: 5_000 }, (_, n) => raised({ rule: 'other', raisedAt: n }));
    await Promise.all(others.map((step) => writeAlert(t.log, step, t.now)));
    await until(async () => (await outcomes('skipped')) === others.length);
    await t.restart(one);
    await writeAlert(t.log, cleared(), t.now);
    await until(() => t.receiver.calls.length === 2);
    expect(t.receiver.ids[1]).toBe('pump-7~too-hot~1000~cleared');
  });

  it('does not end a quiet time', async () => {
    const quiet = [t.ops({ quiet: '10m' })];
    await t.start(quiet);
    await writeAlert(t.log, raised({ raisedAt: 1 }), t.now);
    await until(async () => (await outcomes('delivered')) === 1);
    t.now += 9 * MINUTE;
    await t.restart(quiet);
    await writeAlert(t.log, raised({ raisedAt: 2 }), t.now);
    await until(async () => (await outcomes('quiet')) === 1);
    t.now += MINUTE;
    await writeAlert(t.log, raised({ raisedAt: 3 }), t.now);
    await until(() => t.receiver.calls.length === 2);
    expect(t.receiver.ids).toEqual(['pump-7~too-hot~1~raised', 'pump-7~too-hot~3~raised']);
  });

  it('sends what was broken off', async () => {
    t.receiver.answers = hang;
    await t.start([t.ops()]);
    await writeAlert(t.log, raised(), t.now);
    await until(() => t.receiver.calls.length === 1);
    await t.stop();
    t.receiver.answers = accept;
    await t.restart([t.ops()]);
    await until(() => t.receiver.calls.length === 2);
    expect(t.receiver.ids[1]).toBe('pump-7~too-hot~1000~raised');
  });
});

describe('a notification that was given up', () => {
  beforeEach(async () => {
    t.receiver.answers = answer(500);
    await t.start([t.ops()]);
    await writeAlert(t.log, raised(), t.now);
    await until(async () => (await retries()) === 1); // its first try is over, and by the clock of that time
    t.now += 61 * MINUTE; // with the defaults it is as old now as any that is sent
    await until(async () => (await t.letters()).length === 1);
    t.receiver.answers = accept;
  });
  /** Appends the bytes of the dead letter. */
  const redrive = (): Promise<unknown> => writeAlert(t.log, raised(), t.now - 61 * MINUTE);

  it('is sent when its dead letter is driven again, once', async () => {
    await redrive();
    await until(async () => (await outcomes('delivered')) === 1);
    await redrive();
    await until(async () => (await outcomes('skipped')) === 1);
    expect(t.receiver.calls).toHaveLength(3);
  });

  it('is sent also after a restart, which can not tell from the log that it was given up', async () => {
    await until(async () => (await outcomes('given-up')) === 1);
    await t.restart([t.ops()]);
    await redrive();
    await until(async () => (await outcomes('delivered')) === 1);
  });
});

describe('a sink whose name server hangs', () => {
  it('holds up no other, however many there are', async () => {
    const names = [
      ['silent.example', undefined],
      ['hook.example', '127.0.0.1'],
    ] as const;
    const server = await NameServer.open(new Map(names));
    t.resolve = hostLookups({ servers: [server.address] });
    const hook = (name: string, host: string): object => ({
      name,
      webhook: { url: `http://${host}:${t.receiver.port}/`, allowPrivate: true },
    });
    const silent = Array.from({ length: 8 }, (_, n) => hook(`silent-${n}`, 'silent.example'));
    await t.start(silent.concat(hook('ops', 'hook.example')));
    const devices = Array.from({ length: 32 }, (_, n) => `pump-${n}`);
    for (const deviceId of devices) await writeAlert(t.log, raised({ deviceId }), t.now);
    await until(() => t.receiver.calls.length === devices.length);
    expect(await retries('silent-0')).toBe(0); // its lookup is still under way
    expect(server.asked.filter((name) => name === 'silent.example').length).toBeLessThanOrEqual(4); // of all eight
    await until(async () => (await retries('silent-7')) > 0);
    await server.close();
  });
});

describe('when the rules change', () => {
  it('sinks come and go, and those that stay are left alone', async () => {
    const other = await WebhookReceiver.open(SECRET);
    await t.start([t.ops()]);
    await writeAlert(t.log, raised({ raisedAt: 1 }), t.now);
    await until(async () => (await outcomes('delivered')) === 1);
    t.inForce([t.ops(), t.ops({ name: 'other', webhook: { url: other.url, allowPrivate: true } })]);
    await until(() => other.calls.length === 1);
    t.inForce([t.ops({ name: 'other', webhook: { url: other.url, allowPrivate: true } })]);
    await until(() => t.lines.some((line) => line.includes('sink stopped')));
    await writeAlert(t.log, raised({ raisedAt: 2 }), t.now);
    await until(() => other.calls.length === 2);
    expect(t.receiver.ids).toEqual(['pump-7~too-hot~1~raised']);
    expect(t.lines.filter((line) => line.includes('sink started'))).toHaveLength(2);
    await other.close();
  });

  it('one that stays at its name goes elsewhere from where it was', async () => {
    const other = await WebhookReceiver.open(SECRET);
    await t.start([t.ops()]);
    await writeAlert(t.log, raised({ raisedAt: 1 }), t.now);
    await until(async () => (await outcomes('delivered')) === 1);
    t.inForce([t.ops({ webhook: { url: other.url, allowPrivate: true } })]);
    await writeAlert(t.log, raised({ raisedAt: 2 }), t.now);
    await until(() => other.calls.length + t.receiver.calls.length === 2);
    expect([...t.receiver.ids, ...other.ids].toSorted()).toEqual([
      'pump-7~too-hot~1~raised',
      'pump-7~too-hot~2~raised',
    ]);
    await writeAlert(t.log, raised({ raisedAt: 3 }), t.now);
    await until(() => other.ids.includes('pump-7~too-hot~3~raised'));
    await other.close();
  });

  it('a rule that names other sinks is not sent here any more', async () => {
    await t.start([t.ops()]);
    t.inForce([t.ops()], { rules: [{ name: 'too-hot', notify: ['mail'] }] });
    await writeAlert(t.log, raised({ raisedAt: 1 }), t.now);
    await writeAlert(t.log, raised({ rule: 'silent', raisedAt: 2 }), t.now);
    await until(() => t.receiver.calls.length === 1);
    expect(t.receiver.ids).toEqual(['pump-7~silent~2~raised']);
  });
});

describe('a sink that cannot be used', () => {
  it('is said and counted, and the others go on', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'fieldgate-notify-'));
    await writeFile(join(directory, 'good'), `${SECRET}\n`);
    await writeFile(join(directory, 'short'), 'hush');
    const hook = (name: string, secretFile: string): object => ({
      name,
      webhook: { url: t.receiver.url, allowPrivate: true, secretFile },
    });
    await t.start(
      [
        t.ops(), // there is no secret for all
        hook('short', './short'),
        hook('missing', './missing'),
        { name: 'mail', email: { to: ['ops@example.com'], from: 'fieldgate@example.com' } },
        hook('good', './good'),
      ],
      { webhookSecret: undefined, rulesFile: join(directory, 'rules.yaml') },
    );
    await writeAlert(t.log, raised(), t.now);
    await until(() => t.receiver.calls.length === 1);
    expect(t.receiver.calls[0]?.isSigned).toBe(true);
    expect(await counted('fieldgate_notification_sinks_invalid', {})).toBe(4);
    const told = t.lines
      .filter((line) => line.includes('cannot be used'))
      .map((line) => JSON.parse(line) as { sink: string; detail: string }); // pino wrote it
    expect(told.map(({ sink, detail }) => `${sink}: ${detail}`)).toEqual([
      'ops: needs a secretFile, or FIELDGATE_WEBHOOK_SECRET for all webhooks',
      'short: secretFile ./short must hold at least 16 characters',
      'missing: secretFile ./missing cannot be read',
      'mail: needs FIELDGATE_SMTP_URL',
    ]);
    expect(t.lines.join('')).not.toMatch(new RegExp(`${SECRET}|hush`));
    await rm(directory, { recursive: true });
  });
});
