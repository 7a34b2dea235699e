import { LogTable, type LogWriter } from '@fieldgate/commit-log';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { FieldgateError, type SessionRecord } from '@fieldgate/contracts';
import { createLogger } from '@fieldgate/service';
import { expect, it } from '@jest/globals';
import { counts, refusedTotal } from '../gateway.metrics.js';
import { AcceptResponse } from '../commands/accept-response.js';
import { IngestPublish } from '../ingest/ingest-publish.js';
import { PacedWriter } from '../ingest/paced-writer.js';
import type { DeviceSession } from './device-session.js';
import { PublishWills } from './publish-wills.js';

const clock = { now: () => 1_000_000 };

/** The wills of a gateway whose log is away until it is back. */
async function givenWills() {
  const memory = createMemoryLog();
  await memory.start();
  const given = { isAway: true };
  const append: LogWriter['append'] = (record, settle) => {
    settle(given.isAway ? new FieldgateError('log-unavailable') : undefined, undefined, record);
    return true;
  };
  const table = new LogTable<SessionRecord>(memory.reader, 'fieldgate.sessions.v1', () => undefined, {
    failed: () => undefined,
    unreadable: () => undefined,
  });
  const identity = { gatewayId: 'gw-1', boot: 'b' };
  const commands = { get: () => undefined };
  const ingest = new IngestPublish(
    identity,
    new PacedWriter({ append, drained: () => undefined }),
    new AcceptResponse('b', commands, clock),
    clock,
    clock,
    createLogger({ level: 'silent' }),
  );
  const port = {
    isConnected: () => false,
    ingest: ingest.ingest.bind(ingest),
    published: () => undefined,
  };
  const wills = new PublishWills('gw-1', table, port, clock, clock);
  const session = (topic: string, payload: string, connection = 'one'): DeviceSession => ({
    deviceId: 'pump-7',
    connection,
    link: { close: () => true, send: () => true, fits: () => true, oldestUnsettled: undefined, unsettled: 0 },
    registration: { creationId: 'c', secretVersion: 1 },
    protocol: '5',
    connectedAt: 0,
    keepAliveSeconds: 60,
    topicPrefix: 'devices/pump-7/',
    resumed: false,
    expirySeconds: 0,
    will: { topic, payload: Buffer.from(payload).toString('base64'), qos: 1, delaySeconds: 0 },
    subscriptions: [],
    standing: 'newest',
    closed: false,
  });
  return { given, wills, session };
}

it('a will that is tried again is counted once, when the log has it; until then it is waited for', async () => {
  const { given, wills, session } = await givenWills();
  const gone = session('devices/pump-7/telemetry', '[{"n":1},{"n":2}]');
  const before = counts.publishes.telemetry;
  wills.leave(gone);
  wills.tick();
  wills.tick();
  expect(gone.counters?.snapshot()).toMatchObject({ messages: 0, received: 1, unanswered: 0 });
  expect(gone.counters?.settled).toBe(0);
  given.isAway = false;
  wills.tick();
  wills.tick();
  expect(gone.counters?.snapshot()).toMatchObject({ messages: 1, received: 2, unasked: 2, unanswered: 0 });
  expect(gone.counters?.settled).toBe(2);
  expect(counts.publishes.telemetry - before).toBe(1);
});

it('a will that is refused is refused once, however often its dead letter is tried', async () => {
  const { given, wills, session } = await givenWills();
  const gone = session('devices/pump-7/telemetry', 'not json');
  refusedTotal.reset();
  wills.leave(gone);
  wills.tick();
  given.isAway = false;
  wills.tick();
  expect(gone.counters?.snapshot()).toMatchObject({ messages: 1, received: 1, unanswered: 0 });
  expect(gone.counters?.snapshot().refused).toEqual({ 'payload-not-json': 1 });
  const { values } = await refusedTotal.get();
  expect(values.map(({ value }) => value)).toEqual([1]);
});

it('a will that makes way for that of the next connection is not waited for any more', async () => {
  const { given, wills, session } = await givenWills();
  const first = session('devices/pump-7/telemetry', '{"n":1}');
  wills.leave(first);
  wills.leave(session('devices/pump-7/telemetry', '{"n":2}', 'two'));
  given.isAway = false;
  wills.tick();
  expect(first.counters?.snapshot()).toMatchObject({ received: 0, unanswered: 0 });
});
