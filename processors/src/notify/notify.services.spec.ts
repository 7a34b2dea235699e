import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { notificationSchema } from '@fieldgate/alert-rules';
import { commitLogEnvironment, openCommitLog, type CommitLog } from '@fieldgate/commit-log';
import { createLogger, monotonicClock, readEnvironment, Supervisor, systemClock } from '@fieldgate/service';
import { z } from 'zod';
import { raised, writeAlert } from '../testing/alert-steps.js';
import { SECRET } from '../testing/sinks-under-test.js';
import { until } from '../testing/until.js';
import { accept, hang, WebhookReceiver } from '../testing/webhook-receiver.js';
import { CurrentRules } from './current-rules.js';
import { NotifySinks } from './notify-sinks.js';

const TIMEOUT_MS = 120_000;
const DEVICES = 12;
/** Others have written alerts to this Kafka, too. */
const rule = `rule-${randomBytes(4).toString('hex')}`;
const logger = createLogger({ level: 'warn' });

let good: WebhookReceiver;
let bad: WebhookReceiver;
let log: CommitLog | undefined;
let sinks: NotifySinks | undefined;

beforeAll(async () => {
  good = await WebhookReceiver.open(SECRET);
  bad = await WebhookReceiver.open(SECRET);
}, TIMEOUT_MS);

afterAll(async () => {
  await end();
  await good.close();
  await bad.close();
}, TIMEOUT_MS);

/** A process with both sinks, for as long as `end` has not been called. */
async function begin(): Promise<CommitLog> {
  const config = readEnvironment(z.object(commitLogEnvironment), {
    FIELDGATE_KAFKA_BROKERS: process.env['FIELDGATE_TEST_KAFKA'], // set by the global set-up
  });
  const opened = await openCommitLog(config, { clock: systemClock, logger });
  log = opened;
  await opened.start();
  const rules = new CurrentRules();
  const sink = (name: string, { url }: WebhookReceiver): ReturnType<typeof notificationSchema.parse> =>
    notificationSchema.parse({
      name: `${name}-${rule}`,
      rules: [rule],
      webhook: { url, allowPrivate: true },
    });
  rules.use({ rules: [], notifications: [sink('good', good), sink('bad', bad)] });
  sinks = new NotifySinks({
    log: opened,
    rules,
    config: { webhookSecret: SECRET },
    clock: systemClock,
    monotonic: monotonicClock,
    logger,
    supervisor: new Supervisor(logger),
  });
  await sinks.start();
  return opened;
}

async function end(): Promise<void> {
  await sinks?.stop();
  await log?.stop();
}

it(
  'two sinks are two groups: one that hangs holds up no other, and each goes on where it was',
  async () => {
    bad.answers = hang;
    const first = await begin();
    const now = Date.now();
    const ids: string[] = [];
    for (let n = 0; n < DEVICES; n += 1) {
      await writeAlert(first, raised({ deviceId: `pump-${n}`, rule, raisedAt: now }), now);
      ids.push(`pump-${n}~${rule}~${now}~raised`);
    }
    await until(() => good.calls.length === DEVICES, 60_000);
    expect(good.ids.toSorted()).toEqual(ids.toSorted());
    await until(() => bad.calls.length > 0, 60_000);
    await end();

    bad.answers = accept;
    const before = bad.calls.length;
    const second = await begin();
    await writeAlert(second, raised({ deviceId: 'pump-new', rule, raisedAt: now }), now);
    await until(() => bad.calls.length === before + DEVICES + 1, 60_000);
    await until(() => good.calls.length === DEVICES + 1, 60_000);
    const last = `pump-new~${rule}~${now}~raised`;
    expect(good.ids.at(-1)).toBe(last);
    expect(bad.ids.slice(before).toSorted()).toEqual([...ids, last].toSorted());
  },
  TIMEOUT_MS,
);
