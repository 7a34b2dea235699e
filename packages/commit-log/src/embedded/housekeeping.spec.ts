import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LOG_TOPICS, type LogTopic } from '@fieldgate/contracts';
import { createLogger } from '@fieldgate/service';
import type { LogPosition, LogRecord } from '../log-record.js';
import { appended } from '../log-writer.js';
import { BlockStore } from './block-store.js';
import { compact, TOMBSTONE_MS } from './compaction.js';
import { EmbeddedOffsets } from './embedded-offsets.js';
import { EmbeddedPartitions } from './embedded-partitions.js';
import { EmbeddedWriter } from './embedded-writer.js';
import { Housekeeping } from './housekeeping.js';
import { Outage } from './outage.js';
import { expire, shrink } from './retention.js';

const EVENTS = 'fieldgate.events.v1';
const TELEMETRY = 'fieldgate.telemetry.v1';
const DEVICES = 'fieldgate.devices.v1';
const logger = createLogger({ level: 'silent' });

class Store {
  now = 1_795_210_200_000;
  readonly blocks: BlockStore;
  readonly partitions: EmbeddedPartitions;
  private readonly writer: EmbeddedWriter;

  constructor(directory: string) {
    const store = new BlockStore(directory);
    const outage = new Outage(store, logger);
    const offsets = new EmbeddedOffsets(store, outage);
    this.blocks = store;
    this.partitions = new EmbeddedPartitions(store, offsets);
    const parts = { store, offsets, outage, partitions: this.partitions, clock: { now: () => this.now } };
    this.writer = new EmbeddedWriter(parts);
    store.open();
    this.partitions.load();
    this.writer.open();
  }

  write(topic: LogTopic, ...records: [key: string, value: string | null][]): Promise<LogPosition[]> {
    return Promise.all(
      records.map(([key, value]) =>
        appended(this.writer, { topic, key, value: value === null ? null : Buffer.from(value) }),
      ),
    );
  }

  read(topic: LogTopic): [key: string, value: string | null, offset: number][] {
    const all: LogRecord[] = [];
    for (let from = 0; from < this.partitions.end(topic);) {
      const { records, next } = this.partitions.take(topic, 0, from);
      all.push(...records);
      from = next;
    }
    return all.map(({ key, value, offset }) => [key, value && Buffer.from(value).toString(), offset]);
  }

  compact(topic: LogTopic): Promise<void> {
    const { signal } = new AbortController();
    return compact(this.blocks, this.partitions, { topic, now: this.now, signal });
  }

  async close(): Promise<void> {
    await this.writer.close(1_000);
    await this.blocks.close();
  }
}

let directory: string;
let store: Store;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'fieldgate-store-'));
  store = new Store(directory);
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

describe('retention by age', () => {
  it('removes what is older than the topic keeps, and nothing else', async () => {
    await store.write(EVENTS, ['pump-7', 'old']);
    store.now += LOG_TOPICS[EVENTS].retentionMs;
    await store.write(EVENTS, ['pump-7', 'young']);
    store.now += 1;
    await expire(store.blocks, store.partitions, { topic: EVENTS, now: store.now });
    expect(store.read(EVENTS)).toEqual([['pump-7', 'young', 1]]);
    expect(store.partitions.earliest(EVENTS)).toBe(1);
  });

  it('goes on with the positions when everything has gone, also after a restart', async () => {
    await store.write(EVENTS, ['pump-7', '1'], ['pump-7', '2']);
    await expire(store.blocks, store.partitions, { topic: EVENTS, now: store.now + 365 * 86_400_000 });
    expect(store.read(EVENTS)).toEqual([]);
    expect([store.partitions.earliest(EVENTS), store.partitions.end(EVENTS)]).toEqual([2, 2]);
    await store.close();
    store = new Store(directory);
    expect(await store.write(EVENTS, ['pump-7', '3'])).toEqual([{ partition: 0, offset: 2 }]);
  });
});

describe('retention by size', () => {
  it('removes the oldest records of any topic that is not a table until the log is small enough', async () => {
    const large = 'x'.repeat(100_000);
    await store.write(DEVICES, ['pump-7', large]);
    for (let n = 0; n < 10; n += 1) {
      store.now += 1;
      await store.write(n % 2 ? EVENTS : TELEMETRY, ['pump-7', large]);
    }
    const removed = await shrink(store.blocks, store.partitions, 600_000);
    expect(removed).toBeGreaterThan(3);
    expect(store.read(DEVICES)).toHaveLength(1);
    const left = [...store.read(TELEMETRY), ...store.read(EVENTS)].length;
    expect(left).toBe(10 - removed);
    expect(store.read(EVENTS).at(-1)?.[2]).toBe(4); // the newest stay
    expect(Math.abs(store.read(EVENTS).length - store.read(TELEMETRY).length)).toBeLessThanOrEqual(1);
  });

  it('leaves tables alone, whatever their size', async () => {
    await store.write(DEVICES, ['pump-7', 'x'.repeat(100_000)]);
    expect(await shrink(store.blocks, store.partitions, 10_000)).toBe(0);
    expect(store.read(DEVICES)).toHaveLength(1);
  });
});

describe('compaction', () => {
  it('leaves the newest record of every key in its place', async () => {
    await store.write(DEVICES, ['a', '1'], ['b', '1'], ['a', '2']);
    await store.write(DEVICES, ['b', '2']);
    await store.write(DEVICES, ['c', '1'], ['c', '2']);
    await store.write(DEVICES, ['a', '3']);
    await store.compact(DEVICES);
    expect(store.read(DEVICES)).toEqual([
      ['b', '2', 3],
      ['c', '2', 5],
      ['a', '3', 6],
    ]);
  });

  it('keeps a tombstone for a day, then it goes too and the positions go on', async () => {
    await store.write(DEVICES, ['a', '1']);
    await store.write(DEVICES, ['a', null]);
    await store.compact(DEVICES);
    expect(store.read(DEVICES)).toEqual([['a', null, 1]]);
    store.now += TOMBSTONE_MS;
    await store.compact(DEVICES);
    expect(store.read(DEVICES)).toEqual([]);
    await store.close();
    store = new Store(directory);
    expect(await store.write(DEVICES, ['a', '2'])).toEqual([{ partition: 0, offset: 2 }]);
  });

  it('takes readers past the gaps', async () => {
    await store.write(DEVICES, ['a', '1'], ['a', '2'], ['a', '3']);
    await store.compact(DEVICES);
    expect(store.partitions.take(DEVICES, 0, 0)).toMatchObject({ next: 3, records: [{ offset: 2 }] });
    store.now += 1;
    await store.write(DEVICES, ['a', null]);
    store.now += TOMBSTONE_MS;
    await store.compact(DEVICES);
    expect(store.partitions.take(DEVICES, 0, 1)).toEqual({ next: 4, records: [] });
  });

  it('does not lose what is appended while it runs', async () => {
    for (let n = 0; n < 200; n += 1) await store.write(DEVICES, ['a', `${n}`]);
    const compaction = store.compact(DEVICES);
    await store.write(DEVICES, ['a', 'newest'], ['b', 'new']);
    await compaction;
    expect(store.read(DEVICES).slice(-2)).toEqual([
      ['a', 'newest', 200],
      ['b', 'new', 201],
    ]);
  });
});

describe('housekeeping', () => {
  it('compacts tables and lets old records go, in one round', async () => {
    await store.write(DEVICES, ['a', '1'], ['a', '2']);
    await store.write(EVENTS, ['a', 'old']);
    store.now += LOG_TOPICS[EVENTS].retentionMs + 1;
    const clock = { now: () => store.now };
    const parts = { store: store.blocks, partitions: store.partitions, clock, logger };
    const housekeeping = new Housekeeping(parts, { maxBytes: 1e9, intervalMs: 60_000 });
    await housekeeping.round();
    expect(store.read(DEVICES)).toEqual([['a', '2', 1]]);
    expect(store.read(EVENTS)).toEqual([]);
    await housekeeping.stop();
  });
});
