import { mkdtemp, open as openReal, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FieldgateError, type LogTopic } from '@fieldgate/contracts';
import { monotonicClock } from '@fieldgate/service';
import { pino } from 'pino';
import type { Overflow, TakenBack } from '../kafka/writing/unsettled-records.js';
import type { NewRecord, Settle } from '../log-writer.js';
import { Inbox } from '../testing/inbox.js';
import { DiskSpool, type DiskSpoolOptions } from './disk-spool.js';
import type { OpenFile } from './segment-appender.js';
import { SpoolingWriter, type SpoolableLog, type SpoolLimits } from './spooling-writer.js';

const TOPIC: LogTopic = 'fieldgate.telemetry.v1';
const NOW = 1_795_210_200_123;
const AFTER_MS = 2_000;
/** Thousands of records on a machine that may be busy. */
const LONG_MS = 60_000;
const LIMITS: SpoolLimits = {
  maxBytes: 64 * 1024 * 1024,
  maxAgeMs: 3_600_000,
  drainRecordsPerSecond: 1_000_000,
  afterMs: AFTER_MS,
};

/** Two partitions; each can go away. What goes to one that is away waits there until it comes back or overflows. */
class TestLog implements SpoolableLog {
  /** As it stands in the log, `key:text`. */
  readonly records = new Inbox<string>();
  private readonly away = new Set<number>();
  private waiting: (TakenBack & { readonly kind: 'ingest' | 'deliver' })[] = [];
  private overflow: Overflow = () => undefined;
  refuses = new Set<string>();

  partitionOf(_topic: LogTopic, key: string): number {
    return key.startsWith('b') ? 1 : 0;
  }

  ingest(record: NewRecord, settle: Settle): boolean {
    return this.take({ record, settle, timestampMs: NOW, kind: 'ingest' });
  }

  deliver(record: NewRecord, timestampMs: number, settle: Settle): boolean {
    return this.take({ record, settle, timestampMs, kind: 'deliver' });
  }

  onOverflow(overflow: Overflow): void {
    this.overflow = overflow;
  }

  drained(listener: () => void): void {
    setImmediate(listener);
  }

  goAway(...partitions: number[]): void {
    for (const partition of partitions) this.away.add(partition);
  }

  comeBack(partition: number): void {
    this.away.delete(partition);
    const waiting = this.waiting.filter(
      ({ record }) => this.partitionOf(record.topic, record.key) === partition,
    );
    this.waiting = this.waiting.filter((entry) => !waiting.includes(entry));
    for (const entry of waiting) this.write(entry);
  }

  /** The time of what waits is over. */
  timeIsOver(partition: number): void {
    const over = this.waiting.filter(
      ({ kind, record }) => kind === 'ingest' && this.partitionOf(record.topic, record.key) === partition,
    );
    this.waiting = this.waiting.filter((entry) => !over.includes(entry));
    this.overflow(TOPIC, partition, over);
  }

  /** It is closed: what is being delivered stays where it came from. */
  close(): void {
    for (const { record, settle } of this.waiting.splice(0))
      settle(new FieldgateError('log-unavailable', 'closed'), undefined, record);
  }

  private take(entry: TakenBack & { readonly kind: 'ingest' | 'deliver' }): boolean {
    const { topic, key } = entry.record;
    if (this.away.has(this.partitionOf(topic, key))) this.waiting.push(entry);
    else setImmediate(() => this.write(entry));
    return true;
  }

  private write({ record, settle }: TakenBack): void {
    const text = `${record.key}:${Buffer.from(record.value ?? []).toString()}`;
    if (this.refuses.has(text))
      return settle(new FieldgateError('record-refused', 'too large'), undefined, record);
    this.records.push(record.topic === TOPIC ? text : `${record.topic} of ${record.key}`);
    settle(undefined, { partition: this.partitionOf(record.topic, record.key), offset: 0 }, record);
  }
}

describe('the spooling writer', () => {
  let directory: string;
  let log: TestLog;
  let settled: Inbox<string>;
  let open: { readonly writer: SpoolingWriter; readonly disk: DiskSpool }[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'fieldgate-spool-'));
    log = new TestLog();
    settled = new Inbox();
    open = [];
  });

  afterEach(async () => {
    for (const { writer } of open) {
      await writer.stopDraining();
      log.close();
      await writer.stop();
    }
    await rm(directory, { recursive: true });
  });

  async function start(
    limits: Partial<SpoolLimits> = {},
    options: Partial<DiskSpoolOptions> = {},
  ): Promise<SpoolingWriter> {
    const disk = new DiskSpool({
      directory,
      logger: pino({ level: 'silent' }),
      damaged: () => undefined,
      ...options,
    });
    await disk.open();
    const writer = new SpoolingWriter({
      log,
      disk,
      limits: { ...LIMITS, ...limits },
      clock: { now: () => NOW },
      monotonic: monotonicClock,
      logger: pino({ level: 'silent' }),
    });
    writer.start();
    open.push({ writer, disk });
    return writer;
  }

  async function stop(): Promise<void> {
    const last = open.pop();
    await last?.writer.stopDraining();
    log.close();
    await last?.writer.stop();
  }

  function append(writer: SpoolingWriter, key: string, ...texts: string[]): void {
    for (const text of texts)
      writer.append({ topic: TOPIC, key, value: Buffer.from(text) }, (error, at) =>
        settled.push(`${key}:${text} ${error?.code ?? (at === undefined ? 'spooled' : 'in the log')}`),
      );
  }

  it('writes straight to the log while that answers', async () => {
    const writer = await start();
    append(writer, 'a', '1', '2');
    await settled.count(2);
    expect(settled.all).toEqual(['a:1 in the log', 'a:2 in the log']);
    expect(writer.status()).toMatchObject({ state: 'direct', records: 0 });
  });

  it('takes what the log did not take in time, and what comes behind it, and brings it there in order', async () => {
    const writer = await start();
    log.goAway(0);
    append(writer, 'a', '1', '2');
    log.timeIsOver(0);
    append(writer, 'a', '3');
    await settled.count(3);
    expect(settled.all).toEqual(['a:1 spooled', 'a:2 spooled', 'a:3 spooled']);
    expect(writer.status()).toMatchObject({ state: 'spooling', records: 3 });
    log.comeBack(0);
    await log.records.count(3);
    expect(log.records.all).toEqual(['a:1', 'a:2', 'a:3']);
    await untilState(writer, 'direct');
    append(writer, 'a', '4');
    await settled.count(4);
    expect(settled.all[3]).toBe('a:4 in the log');
  });

  it('lets other partitions go on, and new devices of one that is back', async () => {
    const writer = await start();
    log.goAway(0);
    append(writer, 'a', '1');
    log.timeIsOver(0);
    append(writer, 'b', '1');
    append(writer, 'a2', '1');
    await settled.count(3);
    expect(settled.all.toSorted()).toEqual(['a2:1 spooled', 'a:1 spooled', 'b:1 in the log']);
  });

  it('keeps a newer record of a key behind its older ones until these are in the log', async () => {
    const writer = await start();
    log.goAway(0);
    append(writer, 'a', '1');
    log.timeIsOver(0);
    await settled.count(1);
    log.comeBack(0);
    append(writer, 'a', '2');
    await log.records.count(2);
    expect(log.records.all).toEqual(['a:1', 'a:2']);
  });

  it(
    'goes on with a partition that is back while another stays away, and catches up with that one later',
    async () => {
      const writer = await start({ afterMs: 1 });
      log.goAway(0, 1);
      const many = Array.from({ length: 3_000 }, (_, n) => String(n));
      append(writer, 'a', ...many);
      append(writer, 'b', ...many);
      log.timeIsOver(0);
      log.timeIsOver(1);
      await settled.count(6_000);
      log.comeBack(1);
      await log.records.count(3_000);
      expect(log.records.all).toEqual(many.map((text) => `b:${text}`));
      log.comeBack(0);
      await log.records.count(6_000);
      expect(log.records.all.slice(3_000)).toEqual(many.map((text) => `a:${text}`));
      await untilState(writer, 'direct');
    },
    LONG_MS,
  );

  it('drains what an earlier run has left before anything new', async () => {
    const before = await start();
    log.goAway(0, 1);
    append(before, 'a', '1', '2');
    append(before, 'b', '1');
    log.timeIsOver(0);
    log.timeIsOver(1);
    await settled.count(3);
    await stop();

    const writer = await start();
    expect(writer.status()).toMatchObject({ state: 'draining', records: 3 });
    append(writer, 'a', '3');
    await settled.count(4);
    expect(settled.all[3]).toBe('a:3 spooled');
    log.comeBack(0);
    log.comeBack(1);
    await log.records.count(4);
    expect(log.records.all.filter((text) => text.startsWith('a'))).toEqual(['a:1', 'a:2', 'a:3']);
    await untilState(writer, 'direct');
  });

  it('does not bring again what is known to be in the log', async () => {
    const before = await start();
    log.goAway(0);
    append(before, 'a', '1');
    log.timeIsOver(0);
    await settled.count(1);
    log.comeBack(0);
    await untilState(before, 'direct');
    await stop();
    const writer = await start();
    expect(writer.status()).toMatchObject({ state: 'direct', records: 0 });
    expect(log.records.all).toEqual(['a:1']);
  });

  it('says that it is full, gives up nothing that it has acknowledged, and takes more when it has room', async () => {
    const writer = await start({ maxBytes: 3_000 }, { segmentBytes: 1_000 });
    log.goAway(0);
    const large = Array.from({ length: 5 }, (_, n) => `${n}`.padEnd(900, '.'));
    append(writer, 'a', ...large);
    log.timeIsOver(0); // one group: taken whole, the limit is met after it
    await settled.count(5);
    append(writer, 'a', 'one too many');
    await until(() => writer.status().full !== undefined);
    expect(writer.status().full).toContain('its limit is 3000');
    expect(settled.all).toHaveLength(5);
    log.comeBack(0);
    await settled.count(6);
    expect(settled.all[5]).toBe('a:one too many spooled');
    await untilState(writer, 'direct');
    expect(writer.status().full).toBeUndefined();
    expect(log.records.all).toHaveLength(6);
  });

  it('turns devices away while the disk refuses, and looks by itself whether that is over', async () => {
    let isFull = true;
    const openFile: OpenFile = async (path, flags, mode) => {
      if (isFull) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
      return openReal(path, flags, mode);
    };
    const full = await start({}, { openFile });
    log.goAway(0);
    append(full, 'a', '1');
    log.timeIsOver(0);
    await until(() => full.status().full !== undefined);
    expect(full.status().full).toContain('no space left');
    isFull = false;
    await settled.count(1);
    await until(() => full.status().full === undefined); // nobody else has written
    expect(settled.all).toEqual(['a:1 spooled']);
    expect(full.status().state).toBe('spooling');
  });

  it('keeps a dead letter of what the log refuses, and goes on', async () => {
    const writer = await start();
    log.goAway(0);
    log.refuses.add('a:2');
    append(writer, 'a', '1', '2', '3');
    log.timeIsOver(0);
    await settled.count(3);
    log.comeBack(0);
    await untilState(writer, 'direct');
    expect(log.records.all.toSorted()).toEqual(['a:1', 'a:3', 'fieldgate.dead-letters.v1 of a']);
  });

  it('goes on and comes to its end behind a record that the disk has damaged meanwhile', async () => {
    const flipping: OpenFile = async (path, flags, mode) => {
      const file = await openReal(path, flags, mode);
      if (!String(path).endsWith('.spool')) return file;
      const write = file.write.bind(file) as (bytes: Buffer, ...rest: unknown[]) => Promise<unknown>; // the form that is used
      Object.assign(file, {
        write: (bytes: Buffer, ...rest: unknown[]) => write(withDamage(bytes), ...rest),
      });
      return file;
    };
    const writer = await start({}, { openFile: flipping });
    log.goAway(0);
    append(writer, 'a', '1', 'damage me', '3');
    log.timeIsOver(0);
    await settled.count(3);
    log.comeBack(0);
    await untilState(writer, 'direct');
    append(writer, 'a', '4');
    await settled.count(4);
    expect(settled.all[3]).toBe('a:4 in the log');
    expect(log.records.all).toEqual(['a:1', 'a:3', 'a:4']);
  });

  it('puts on disk what the log gives back when it is closed', async () => {
    const writer = await start();
    log.goAway(0);
    append(writer, 'a', '1');
    await writer.stopDraining();
    log.timeIsOver(0);
    await writer.stop();
    open.pop();
    expect(settled.all).toEqual(['a:1 spooled']);
    log.comeBack(0);
    const next = await start();
    await untilState(next, 'direct');
    expect(log.records.all).toEqual(['a:1']);
  });

  function untilState(writer: SpoolingWriter, state: string): Promise<void> {
    return until(() => writer.status().state === state);
  }
});

/** One bit of one value is another. */
function withDamage(bytes: Buffer): Buffer {
  const at = bytes.indexOf('damage me');
  const damaged = Buffer.from(bytes);
  if (at >= 0) damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
  return damaged;
}

/** Looks again and again; the test's own time limit ends it. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}
