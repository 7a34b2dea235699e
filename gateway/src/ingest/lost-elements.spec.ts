import type { LogWriter } from '@fieldgate/commit-log';
import { FieldgateError } from '@fieldgate/contracts';
import { createLogger } from '@fieldgate/service';
import { expect, it } from '@jest/globals';
import { AcceptResponse } from '../commands/accept-response.js';
import { SessionCounters } from '../ledger/session-counters.js';
import type { DeviceSession } from '../sessions/device-session.js';
import { IngestPublish } from './ingest-publish.js';
import { PacedWriter } from './paced-writer.js';
import type { InboundPublish, IngestOutcome } from './publish.js';

const clock = { now: () => 1_000_000 };

/** What becomes of an array when the log is away for the element `{"n":0}`, and back for what follows. */
function ingested(qos: 0 | 1, payload: string, isWill = false) {
  const written: string[] = [];
  const append: LogWriter['append'] = (record, settle) => {
    const text = Buffer.from(record.value ?? '').toString();
    const isLost = text.includes('"n":0');
    if (!isLost) written.push(record.topic);
    settle(isLost ? new FieldgateError('log-unavailable') : undefined, undefined, record);
    return true;
  };
  const ingest = new IngestPublish(
    { gatewayId: 'gw-1', boot: 'b' },
    new PacedWriter({ append, drained: () => undefined }),
    new AcceptResponse('b', { get: () => undefined }, clock),
    clock,
    clock,
    createLogger({ level: 'silent' }),
  );
  const counters = new SessionCounters();
  const session: DeviceSession = {
    deviceId: 'pump-7',
    connection: 'one',
    link: { close: () => true, send: () => true, fits: () => true, oldestUnsettled: undefined, unsettled: 0 },
    registration: { creationId: 'c', secretVersion: 1 },
    protocol: '5',
    connectedAt: 0,
    keepAliveSeconds: 60,
    topicPrefix: 'devices/pump-7/',
    resumed: false,
    expirySeconds: 0,
    will: undefined,
    subscriptions: [],
    standing: 'newest',
    closed: false,
    counters,
  };
  const bytes = Buffer.from(payload);
  const outcomes: IngestOutcome[] = [];
  const publish: InboundPublish = {
    topic: 'devices/pump-7/telemetry',
    qos,
    isWill,
    bytes,
    payloadAt: 0,
    payloadEnd: bytes.length,
    payload: bytes,
    contentType: undefined,
    correlationData: undefined,
    status: undefined,
    holds: () => undefined,
    settle: (outcome) => outcomes.push(outcome),
  };
  ingest.ingest(session, publish);
  return { written, outcomes, counters: counters.snapshot() };
}

const readings = ['fieldgate.telemetry.v1', 'fieldgate.telemetry.v1'];

it('an array of QoS 0 loses the elements that meet an outage and no others, and counts them so', () => {
  const { written, outcomes, counters } = ingested(0, '[{"n":1},{"n":0},{"n":2}]');
  expect(written).toEqual(readings);
  expect(outcomes).toEqual(['unavailable']);
  expect(counters).toMatchObject({ received: 3, unasked: 2, dropped: 1, refused: {} });
});

it('the dead letters of its refused elements are written all the same: nobody sends it again', () => {
  const { written, outcomes, counters } = ingested(0, '[{"n":1},{"n":0},{"n":null},{"n":2}]');
  expect(written).toEqual(readings.concat('fieldgate.dead-letters.v1'));
  expect(outcomes).toEqual(['unavailable']);
  expect(counters).toMatchObject({ received: 4, unasked: 2, dropped: 1, refused: { 'value-type': 1 } });
});

it.each([
  ['of QoS 1, which', 1, false],
  ['of a will, which whatever its QoS', 0, true],
] as const)(
  '%s is sent again whole, nothing is written behind the first that is lost',
  (_which, qos, isWill) => {
    const { written, outcomes, counters } = ingested(qos, '[{"n":1},{"n":0},{"n":null},{"n":2}]', isWill);
    expect(written).toEqual(readings.slice(1));
    expect(outcomes).toEqual(['unavailable']);
    const notWritten = { unanswered: qos === 1 ? 4 : 0, dropped: qos === 0 ? 4 : 0 };
    expect(counters).toMatchObject({ received: 4, ...notWritten, acknowledged: 0, unasked: 0, refused: {} });
  },
);
