import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  encodeTableRow,
  GATEWAY_LOST_MS,
  gatewayHeartbeatSchema,
  tableRows,
  type GatewayHeartbeat,
} from '@fieldgate/contracts';
import { HeardGateways } from './heard-gateways.js';
import { LogTable } from './log-table.js';
import { appended } from './log-writer.js';
import { createMemoryLog, type MemoryLog } from './testing/memory-log.js';

const TOPIC = 'fieldgate.gateways.v1';
let log: MemoryLog;
let table: LogTable<GatewayHeartbeat>;
let heard: HeardGateways;
let now: number;

beforeEach(async () => {
  log = createMemoryLog();
  await log.start();
  table = new LogTable(log.reader, TOPIC, tableRows(TOPIC, gatewayHeartbeatSchema), {
    failed: unexpected,
    unreadable: unexpected,
  });
  await table.start();
  now = 0;
  heard = new HeardGateways(table, { now: () => now }, () => log.problem());
  heard.look();
});
afterEach(async () => {
  await table.stop();
  await log.stop();
});

function unexpected(error: unknown): void {
  throw new Error('the table failed', { cause: error });
}

async function beat(boot = 'b1', stopping = false): Promise<void> {
  const data: GatewayHeartbeat = { gateway: 'gw-1', boot, at: 0, startedAt: 0, connections: 1, stopping };
  const key = `gw-1/${boot}`;
  const value = encodeTableRow(TOPIC, { key, id: '1', atMs: 0, data });
  await table.reached(await appended(log.writer, { topic: TOPIC, key, value }));
}

const isSilent = (boot = 'b1'): boolean => heard.isSilent('gw-1', boot);

describe('a gateway', () => {
  it('is silent when no heartbeat has come in for 15 s', async () => {
    now = 100_000;
    await beat();
    now += GATEWAY_LOST_MS - 1;
    expect(isSilent()).toBe(false);
    now += 1;
    expect(isSilent()).toBe(true);
    await beat();
    expect(isSilent()).toBe(false);
  });

  it('is silent when another run of it is heard, and at once when it has said that it stops', async () => {
    now = 100_000;
    await beat('b2');
    expect(isSilent('b1')).toBe(true);
    await beat('b2', true);
    expect(isSilent('b2')).toBe(true);
  });

  it('that was never heard is given 15 s from the first look', () => {
    now = 100_000; // the log was waited for
    heard = new HeardGateways(table, { now: () => now }, () => log.problem());
    expect(isSilent()).toBe(false);
    now += GATEWAY_LOST_MS - 1;
    expect(isSilent()).toBe(false);
    now += 1;
    expect(isSilent()).toBe(true);
  });

  it('can be asked for a longer silence', async () => {
    now = 100_000;
    await beat();
    now += 60_000;
    expect(heard.isSilent('gw-1', 'b1', 60_001)).toBe(false);
    expect(heard.isSilent('gw-1', 'b1', 60_000)).toBe(true);
  });
});

describe('while the log is away', () => {
  beforeEach(async () => {
    now = 100_000;
    await beat();
    log.goAway();
    heard.look();
  });

  it('nobody is silent, and everybody has 15 s once it is back', () => {
    now += 60_000;
    expect(isSilent()).toBe(false);
    log.comeBack();
    expect(isSilent()).toBe(false);
    now += GATEWAY_LOST_MS - 1;
    expect(isSilent()).toBe(false);
    now += 1;
    expect(isSilent()).toBe(true);
  });

  it('one look in the meantime is enough', () => {
    now += 60_000;
    log.comeBack(); // asked only now
    expect(isSilent()).toBe(false);
  });

  it('the log that comes and goes begins the count anew every time', () => {
    for (let i = 0; i < 5; i++) {
      log.comeBack();
      now += 10_000;
      expect(isSilent()).toBe(false);
      log.goAway();
      heard.look();
    }
  });
});
