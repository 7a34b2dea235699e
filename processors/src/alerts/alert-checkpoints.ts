import { alertSchema, encodeTableRow, tableRows } from '@fieldgate/contracts';
import type { CommitLog, LogRecord } from '@fieldgate/commit-log';
import type { Clock, Logger } from '@fieldgate/service';
import { z } from 'zod';
import type { SourcePartition } from './alert-source.js';
import { allSettled } from './all-settled.js';
import { PackedRows, packedRowSchema, unpacked, type PackedRow } from './packed-rows.js';
import { partitionsBeside } from './partitions-beside.js';

const TOPIC = 'fieldgate.alert-checkpoints.v1';
/** Rows that are on their way at the same time. */
const AT_ONCE = 2_000;
const BYTES_AT_ONCE = 16 * 1024 * 1024;

/**
 * `~<source>/<partition>`: the engine as a whole, true up to `nextOffset` together with the rows of its devices. Rows of devices are written
 * first, so none is older than this one says.
 */
const partitionRowSchema = z.object({
  kind: z.literal('partition'),
  nextOffset: z.number(),
  /** Records that arrived later than this do not move the arrival clock; none: all do. */
  limitMs: z.number().optional(),
  /** The ends of `fieldgate.alerts.v1` before anything after this checkpoint was told, by partition. */
  alertsFrom: z.record(z.string(), z.number()),
  /** The YAML of the rules that the memory belongs to. */
  rules: z.string(),
  memory: z.unknown().optional(),
});
export type PartitionRow = Readonly<z.infer<typeof partitionRowSchema>>;

const transitionSchema = z.object({
  change: z.enum(['raised', 'escalated', 'cleared', 'amended']),
  alert: alertSchema,
});

/** `<device>/<source>`: what is remembered of a device, records before `nextOffset` included. */
const deviceRowSchema = z.object({
  kind: z.literal('device'),
  deviceId: z.string(),
  nextOffset: z.number(),
  memory: z.unknown().optional(),
  /** What the memory holds as told and may not have been told yet. */
  pending: z.array(transitionSchema),
});
export type DeviceRow = Readonly<z.infer<typeof deviceRowSchema>>;

/** `~<source>/<partition>/ticks`: what the clock of this machine has changed since the checkpoint. What is from before it changes nothing again. */
const ticksRowSchema = z.object({
  kind: z.literal('ticks'),
  /** Where time passed without a record. */
  ticks: z.array(z.object({ offset: z.number(), clockMs: z.number() })),
  doubts: z.array(z.object({ from: z.number(), to: z.number(), nowMs: z.number() })).default([]),
});
/** The arrival clock was set to `clockMs` when the next record was the one at `offset`. */
export type ClockTick = Readonly<z.infer<typeof ticksRowSchema>['ticks'][number]>;
/** The records before `to` were judged at `nowMs`, and said of some of them that they arrive later. */
export type Doubt = Readonly<z.infer<typeof ticksRowSchema>['doubts'][number]>;

/** What a replay cannot know from the records. */
export interface Passed {
  readonly ticks: readonly ClockTick[];
  readonly doubts: readonly Doubt[];
}

export interface Checkpoint extends Passed {
  readonly partition: PartitionRow | undefined;
  readonly devices: readonly DeviceRow[];
}

const rowSchema = z.discriminatedUnion('kind', [
  partitionRowSchema,
  deviceRowSchema,
  ticksRowSchema,
  packedRowSchema,
]);
type Row = Exclude<z.infer<typeof rowSchema>, PackedRow>;
const readRow = tableRows(TOPIC, rowSchema);

/** The memory of the alert rules in the log: rows of one topic, those of a partition's devices beside those of the partition itself. */
export class AlertCheckpoints {
  private writes = 0;
  private readonly beside = new Map<string, string>();
  private readonly rows: PackedRows;

  constructor(
    private readonly log: CommitLog,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    this.rows = new PackedRows(log.writer, clock);
  }

  async read(source: SourcePartition): Promise<Checkpoint> {
    const newest = new Map<string, LogRecord>();
    for (const { partition, earliest, end } of await partitionsBeside(this.log.reader, TOPIC, source)) {
      for await (const record of this.log.reader.read(TOPIC, { partition, from: earliest, to: end }))
        newest.set(record.key, record);
    }
    const devices: DeviceRow[] = [];
    let row: PartitionRow | undefined;
    let passed: Passed = { ticks: [], doubts: [] };
    for (const [key, record] of newest) {
      if (record.value === null) continue;
      this.rows.found(key);
      const isOfPartition = key === partitionKey(source) || key === ticksKey(source);
      if (!isOfPartition && !key.endsWith(`/${source.source}`)) continue;
      const read = await this.rowOf(record, record.value, newest);
      if (read?.kind === 'partition') row = read;
      if (read?.kind === 'ticks') passed = read;
      if (read?.kind === 'device' && this.isOf(read.deviceId, source)) devices.push(read);
    }
    return { partition: row, devices, ticks: passed.ticks, doubts: passed.doubts };
  }

  /** A row without memory and without anything pending is removed. */
  async writeDevices(source: SourcePartition, rows: readonly Omit<DeviceRow, 'kind'>[]): Promise<void> {
    let underway: Promise<void>[] = [];
    let bytes = 0;
    for (const row of rows) {
      const { deviceId, memory, pending } = row;
      const key = `${deviceId}/${source.source}`;
      const isEmpty = memory === undefined && pending.length === 0;
      const value = isEmpty ? null : this.encode(key, { kind: 'device', ...row });
      underway.push(this.rows.write({ key, partitionKey: deviceId, value }));
      bytes += value?.byteLength ?? 0;
      if (underway.length < AT_ONCE && bytes < BYTES_AT_ONCE) continue;
      await allSettled(underway);
      underway = [];
      bytes = 0;
    }
    await allSettled(underway);
  }

  async writePartition(source: SourcePartition, row: Omit<PartitionRow, 'kind'>): Promise<void> {
    await this.writeBeside(source, partitionKey(source), { kind: 'partition', ...row });
  }

  async writePassed(source: SourcePartition, { ticks, doubts }: Passed): Promise<void> {
    const row: Row = { kind: 'ticks', ticks: [...ticks], doubts: [...doubts] };
    await this.writeBeside(source, ticksKey(source), row);
  }

  private async writeBeside(source: SourcePartition, key: string, row: Row): Promise<void> {
    const partitionKey = await this.besideDevices(source);
    await this.rows.write({ key, partitionKey, value: this.encode(key, row) });
  }

  private encode(key: string, data: Row): Uint8Array {
    this.writes += 1;
    return encodeTableRow(TOPIC, {
      key,
      id: `${this.clock.now()}-${this.writes}`,
      atMs: this.clock.now(),
      data,
    });
  }

  /** What is not understood is left out: the device begins anew. */
  private async rowOf(
    { key, partition, offset }: LogRecord,
    value: Uint8Array,
    newest: ReadonlyMap<string, LogRecord>,
  ): Promise<Row | undefined> {
    const read = readRow(value);
    if (read && read.kind !== 'packed') return read;
    const whole = read && (await unpacked(key, read, newest));
    const row = whole && readRow(whole);
    if (row && row.kind !== 'packed') return row;
    this.logger.warn({ topic: TOPIC, partition, offset, code: 'record-unreadable' }, 'record skipped');
    return undefined;
  }

  private isOf(deviceId: string, { topic, partition }: SourcePartition): boolean {
    return this.log.reader.partitionOf(topic, deviceId) === partition;
  }

  /** Some text that goes to the partition where this one's devices are; any will do, where that is not one partition. */
  private async besideDevices(source: SourcePartition): Promise<string> {
    const key = partitionKey(source);
    const known = this.beside.get(key);
    if (known !== undefined) return known;
    const beside = await partitionsBeside(this.log.reader, TOPIC, source);
    let text = key;
    for (let attempt = 0; beside.length === 1; attempt += 1) {
      text = `${key}/${attempt}`;
      if (this.log.reader.partitionOf(TOPIC, text) === beside[0]?.partition) break;
    }
    this.beside.set(key, text);
    return text;
  }
}

function partitionKey({ source, partition }: SourcePartition): string {
  return `~${source}/${partition}`;
}

function ticksKey(source: SourcePartition): string {
  return `${partitionKey(source)}/ticks`;
}
