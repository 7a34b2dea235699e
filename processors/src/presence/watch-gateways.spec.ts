import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appended, HeardGateways, LogTable, type LogRecord } from '@fieldgate/commit-log';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import {
  encodeTableRow,
  gatewayHeartbeatSchema,
  tableRows,
  type GatewayHeartbeat,
  type SessionRecord,
} from '@fieldgate/contracts';
import { createLogger } from '@fieldgate/service';
import { batchOf, jsonOf, recordsOf } from '../testing/written.js';
import { WatchGateways } from './watch-gateways.js';

let log: MemoryLog;
/** Of the monotonic clock. */
let now: number;
/** What has been set on the wall clock since. */
let wallOffset: number;
let gateways: LogTable<GatewayHeartbeat>;
let watch: WatchGateways;
const WALL = Date.parse('2026-11-20T21:30:00.000Z');

beforeEach(async () => {
  log = createMemoryLog();
  await log.start();
  now = 0;
  gateways = new LogTable(
    log.reader,
    'fieldgate.gateways.v1',
    tableRows('fieldgate.gateways.v1', gatewayHeartbeatSchema),
    {
      failed: (error) => {
        throw error;
      },
      unreadable: () => undefined,
    },
  );
  const heard = new HeardGateways(gateways, { now: () => now }, () => log.problem());
  const clock = { now: () => WALL + now + wallOffset };
  watch = new WatchGateways({ log, gateways, heard, clock, logger: createLogger({ level: 'silent' }) });
  wallOffset = 0;
  await gateways.start();
  await watch.due();
});
afterEach(() => gateways.stop());

async function beat(boot: string, stopping = false): Promise<void> {
  const value: GatewayHeartbeat = { gateway: 'gw-1', boot, at: 0, startedAt: 0, connections: 1, stopping };
  const at = await appended(log.writer, {
    topic: 'fieldgate.gateways.v1',
    key: `gw-1/${boot}`,
    value: encodeTableRow('fieldgate.gateways.v1', {
      key: `gw-1/${boot}`,
      id: String(now),
      atMs: now,
      data: value,
    }),
  });
  await gateways.reached(at);
}

async function connected(deviceId: string, boot: string): Promise<void> {
  const session: SessionRecord = {
    deviceId,
    gateway: 'gw-1',
    boot,
    connection: `connection-of-${deviceId}`,
    connected: true,
    connectedAt: 0,
    protocol: '5',
    keepAliveSeconds: 60,
    expirySeconds: 3600,
    subscriptions: [{ filter: `devices/${deviceId}/commands/#`, qos: 1 }],
  };
  await appended(log.writer, {
    topic: 'fieldgate.sessions.v1',
    key: deviceId,
    value: encodeTableRow('fieldgate.sessions.v1', {
      key: deviceId,
      id: String(now),
      atMs: now,
      data: session,
    }),
  });
}

async function sessions(): Promise<Record<string, unknown>> {
  return Object.fromEntries(
    (await recordsOf(log, 'fieldgate.sessions.v1')).map((record) => [
      record.key,
      dataOf(record)['connected'],
    ]),
  );
}

function dataOf(record: LogRecord): Record<string, unknown> {
  return jsonOf(record)['data'] as Record<string, unknown>; // of a CloudEvent that holds an object
}

describe('sessions of a gateway', () => {
  it('end when it has been silent for 15 s, with an event, and keep their subscriptions', async () => {
    await beat('dead');
    await connected('pump-7', 'dead');
    await beat('alive');
    await connected('pump-8', 'alive');
    await watch.follow(await batchOf(log, 'fieldgate.sessions.v1'));
    now = 10_000;
    await beat('alive');
    now = 15_000;
    await watch.due();
    expect(await sessions()).toEqual({ 'pump-7': false, 'pump-8': true });
    const [event] = await recordsOf(log, 'fieldgate.events.v1');
    expect(event && jsonOf(event)).toMatchObject({
      subject: 'pump-7',
      data: { event: 'disconnected', details: { reason: 'gateway-lost' } },
    });
    const last = (await recordsOf(log, 'fieldgate.sessions.v1')).at(-1);
    expect(last && dataOf(last)).toMatchObject({
      subscriptions: [{ filter: 'devices/pump-7/commands/#', qos: 1 }],
      expirySeconds: 3600,
    });
  });

  it('are given 15 s after the start of this processor, whatever happened before', async () => {
    await connected('pump-7', 'never-heard');
    await watch.follow(await batchOf(log, 'fieldgate.sessions.v1'));
    now = 14_999;
    await watch.due();
    expect(await sessions()).toEqual({ 'pump-7': true });
    now = 15_000;
    await watch.due();
    expect(await sessions()).toEqual({ 'pump-7': false });
  });

  it('are left alone once the device is connected elsewhere', async () => {
    await beat('dead');
    await connected('pump-7', 'dead');
    await watch.follow(await batchOf(log, 'fieldgate.sessions.v1'));
    await beat('alive');
    await connected('pump-7', 'alive');
    await watch.follow(await batchOf(log, 'fieldgate.sessions.v1', 1));
    now = 14_000;
    await beat('alive');
    now = 20_000;
    await watch.due();
    expect(await recordsOf(log, 'fieldgate.events.v1')).toHaveLength(0);
  });

  it.each([3_600_000, -3_600_000])('do not mind a wall clock that jumps by %i ms', async (jump) => {
    await connected('pump-7', 'alive');
    await watch.follow(await batchOf(log, 'fieldgate.sessions.v1'));
    now = 20_000;
    await beat('alive');
    now = 24_000;
    wallOffset = jump;
    await watch.due();
    expect(await sessions()).toEqual({ 'pump-7': true });
    now = 35_000;
    await watch.due();
    expect(await sessions()).toEqual({ 'pump-7': false });
  });

  it('do not end because the log was away for a minute', async () => {
    await beat('alive');
    await beat('dead');
    await connected('pump-7', 'alive');
    await connected('pump-8', 'dead');
    await watch.follow(await batchOf(log, 'fieldgate.sessions.v1'));
    log.goAway();
    for (; now < 60_000; now += 1_000) await watch.due();
    log.comeBack();
    await watch.due();
    expect(await sessions()).toEqual({ 'pump-7': true, 'pump-8': true });
    now += 14_000;
    await beat('alive');
    now += 1_000;
    await watch.due();
    expect(await sessions()).toEqual({ 'pump-7': true, 'pump-8': false });
  });

  it('leave no heartbeat behind for ever', async () => {
    await beat('over', true);
    now = 15_000;
    await watch.due();
    const bounds = await log.reader.bounds('fieldgate.gateways.v1');
    await gateways.reached({ partition: 0, offset: (bounds[0]?.end ?? 0) - 1 });
    expect(gateways.get('gw-1/over')).toBeUndefined();
  });
});
