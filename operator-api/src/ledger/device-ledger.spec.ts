import { appended } from '@fieldgate/commit-log';
import { encodeTableRow, noLedger, type ConnectionLedger, type DeviceLedger } from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DeviceTables } from '../devices/device-tables.js';
import { ApiUnderTest, NOW } from '../testing/api-under-test.js';
import { LedgerTable } from './ledger-table.js';

const TOPIC = 'fieldgate.ledger-states.v1';
let api: ApiUnderTest;
beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
  await api.call('POST /v1/devices', { id: 'pump-7' });
});
afterEach(() => api.stop());

/** As the ledger group writes it. */
async function write(ledger: Partial<DeviceLedger>): Promise<void> {
  const data = { ...noLedger('pump-7'), ...ledger };
  const value = encodeTableRow(TOPIC, { key: 'pump-7', id: '1', atMs: NOW, data });
  const at = await appended(api.log.writer, { topic: TOPIC, key: 'pump-7', value });
  await api.get(LedgerTable).table.reached(at);
}

const NO_LOG = noLedger('pump-7').others;
const NONE = noLedger('pump-7').earlier.counters;

function connection(name: string, final: boolean | undefined, acknowledged = 2): ConnectionLedger {
  const firstAt = NOW - 60_000;
  const log = {
    ...NO_LOG,
    inLog: 2,
    stored: 1,
    waiting: [{ topic: 'fieldgate.telemetry.v1', offset: 4, records: 1 } as const],
  };
  if (final === undefined) return { connection: name, firstAt, lastAt: NOW, log };
  const counters = { ...NONE, messages: 3, received: 3, acknowledged, refused: { 'payload-not-json': 1 } };
  const report = {
    connection: name,
    gateway: 'gw-1',
    boot: 'b1',
    number: 4,
    from: firstAt - 5,
    to: NOW - 1_000,
    final,
    counters,
  };
  return { connection: name, firstAt, lastAt: NOW, log, report };
}

async function connections(): Promise<unknown> {
  const { body } = await api.call('GET /v1/devices/pump-7/ledger');
  return (body as { connections: unknown }).connections; // as the route describes it
}

describe('the ledger of a device', () => {
  it('is empty as long as it has sent nothing', async () => {
    const { status, body } = await api.call('GET /v1/devices/pump-7/ledger');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      deviceId: 'pump-7',
      totals: { sent: { received: 0 }, log: { inLog: 0, stored: 0 } },
      unaccounted: 0,
      seq: { missing: 0, gaps: [] },
      connections: [],
    });
  });

  it('is not there for a device that is not registered', async () => {
    const { status, body } = await api.call('GET /v1/devices/pump-9/ledger');
    expect([status, body]).toMatchObject([404, { code: 'device-not-found' }]);
  });

  it('adds up what its connections have, and those that are summed up', async () => {
    await write({
      connections: [connection('one', true), connection('two', true, 3)],
      earlier: {
        connections: 7,
        incomplete: 1,
        unaccounted: 2,
        open: [],
        log: { ...NO_LOG, inLog: 10 },
        counters: { ...NONE, received: 12, acknowledged: 10, refused: { 'topic-unknown': 2 } },
      },
      others: { ...NO_LOG, inLog: 1 },
      sequence: {
        restarts: 1,
        run: { first: 1, last: 9, lastTimeMs: NOW },
        closed: [{ from: 20, to: 21 }],
        gaps: [{ from: 4, to: 4 }],
        unlisted: 100,
      },
    });
    const { body } = await api.call('GET /v1/devices/pump-7/ledger');
    expect(body).toMatchObject({
      totals: {
        sent: { received: 18, acknowledged: 15, refused: { 'payload-not-json': 2, 'topic-unknown': 2 } },
        log: { inLog: 15, stored: 2, waiting: 2 },
      },
      unaccounted: 5, // one of the first, two of the second, two of the others: their dead letters are not in the log
      seq: {
        first: 1,
        last: 9,
        restarts: 1,
        missing: 103,
        gaps: [
          { from: 20, to: 21 },
          { from: 4, to: 4 },
        ],
      },
    });
  });

  it('says of each connection whether its counters are all', async () => {
    await api.device('pump-7').connect();
    await write({
      connections: [
        connection('ended', true),
        connection('died', false),
        connection('died-young', undefined),
      ],
    });
    expect(await connections()).toMatchObject([
      { connection: 'ended', counters: 'final', countedUntil: new Date(NOW - 1_000).toISOString() },
      { connection: 'died', counters: 'incomplete', countedUntil: new Date(NOW - 1_000).toISOString() },
      { connection: 'died-young', counters: 'incomplete' },
    ]);
  });

  it('does not call the counters of the connection that the device has incomplete', async () => {
    await api.device('pump-7').connect();
    const { connection: live } = api.get(DeviceTables).sessions.get('pump-7') ?? { connection: '' };
    await write({ connections: [connection(live, false)] });
    expect(await connections()).toMatchObject([{ connection: live, counters: 'current' }]);
    await api.device('pump-7').disconnect();
    expect(await connections()).toMatchObject([{ connection: live, counters: 'incomplete' }]);
  });
});
