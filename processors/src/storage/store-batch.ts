import {
  decodeAlertStep,
  decodeEvent,
  decodeTelemetry,
  isFinal,
  isMinted,
  isRejection,
  reject,
  STORAGE_WINDOW,
  type Rejection,
} from '@fieldgate/contracts';
import type { LogBatch, LogReader, LogRecord, PartitionAssignment } from '@fieldgate/commit-log';
import {
  recordName,
  seenRecordOf,
  type StoreRecord,
  type TelemetryStore,
  type WriteOutcome,
} from '@fieldgate/telemetry-store';
import { Counter } from 'prom-client';
import type { Refusal } from '../delivery/deliver-batch.js';
import { PartitionCommands } from '../partition-commands.js';
import { RecentRecords } from './recent-records.js';

const storedTotal = new Counter({
  name: 'fieldgate_storage_records_total',
  help: 'Records written to the telemetry store, by kind',
  labelNames: ['kind'],
});
const duplicatesTotal = new Counter({
  name: 'fieldgate_storage_duplicates_total',
  help: 'Records filed under their arrival and left out because the same device had sent the same id shortly before',
});

/** From a batch of the log to points in the store. A batch may come again at any time: nothing is remembered before it is stored. */
export class StoreBatch {
  private readonly windows = new Map<
    string,
    { readonly assignment: PartitionAssignment; readonly recent: RecentRecords }
  >();
  private readonly commands = new Map<number, PartitionCommands>();

  constructor(
    private readonly reader: LogReader,
    private readonly store: TelemetryStore,
    private readonly window = STORAGE_WINDOW,
  ) {}

  /** Readings and events; a record that a device sent twice is stored once: under the time of the first, also when the store refuses that one. */
  async readings(batch: LogBatch): Promise<readonly Refusal[]> {
    const recent = await this.windowOf(batch);
    const { refused, origin, names, written } = this.writeReadings(batch, recent);
    for (const { index, code, detail } of (await written)?.refused ?? [])
      refused.push({ index: origin[index] ?? index, code, detail });
    count(kindOf(batch), origin.length);
    for (const [name, timeMs] of names) recent.add(name, timeMs);
    return refused;
  }

  /** Whoever waits for the answer holds none of the points: batches of all partitions together would outlive the young generation. */
  private writeReadings(batch: LogBatch, recent: RecentRecords): ReadingsInStore {
    const refused: Refusal[] = [];
    const points: StoreRecord[] = [];
    const origin: number[] = [];
    const names = new Map<string, number>();
    for (let index = 0; index < batch.records.length; index++) {
      const point = readingOf(batch.records[index] as LogRecord); // within bounds; an iterator makes an array for each
      if (isRejection(point)) {
        refused.push({ index, code: point.code, detail: point.detail });
        continue;
      }
      const { deviceId, id, timeMs, receivedMs } = point.record;
      if (timeMs === receivedMs && !isMinted(id)) {
        const name = recordName(deviceId, id);
        const firstMs = recent.timeOf(name) ?? names.get(name) ?? timeMs;
        if (firstMs !== timeMs) {
          duplicatesTotal.inc();
          continue;
        }
        names.set(name, timeMs); // under the same time it is the same point: a record that the store refused may be driven again
      }
      points.push(point);
      origin.push(index);
    }
    return { refused, origin, names, written: points.length > 0 ? this.store.write(points) : undefined };
  }

  /** Commands that have reached their final state, or have got a late answer. */
  async finishedCommands(batch: LogBatch): Promise<readonly Refusal[]> {
    const commands = await this.commandsOf(batch);
    const folded = commands.fold(batch.records);
    const finished = folded.changed.filter(({ command }) => isFinal(command.state));
    const refused = [...folded.refused];
    if (finished.length > 0) {
      const points = finished.map(({ command }): StoreRecord => ({ kind: 'command', record: command }));
      const outcome = await this.store.write(points);
      for (const { index, code, detail } of outcome.refused) {
        refused.push({ index: finished[index]?.index ?? 0, code, detail });
      }
      count('command', points.length);
    }
    folded.commit();
    return refused;
  }

  /** Steps of alerts; the store puts those of one alert together, in whatever order and however often they come. */
  async alerts(batch: LogBatch): Promise<readonly Refusal[]> {
    const refused: Refusal[] = [];
    const points: StoreRecord[] = [];
    const origin: number[] = [];
    for (const [index, { value }] of batch.records.entries()) {
      const decoded = value
        ? decodeAlertStep(value)
        : reject('record-unreadable', 'a tombstone has no place in this topic');
      if (isRejection(decoded)) {
        refused.push({ index, code: decoded.code, detail: decoded.detail });
        continue;
      }
      points.push({ kind: 'alert', record: decoded.step });
      origin.push(index);
    }
    if (points.length > 0) {
      const outcome = await this.store.write(points);
      for (const { index, code, detail } of outcome.refused)
        refused.push({ index: origin[index] ?? index, code, detail });
      count('alert', points.length);
    }
    return refused;
  }

  private async windowOf(batch: LogBatch): Promise<RecentRecords> {
    const { topic, partition, assignment, from } = batch;
    const name = `${topic}/${partition}`;
    const known = this.windows.get(name);
    if (known?.assignment === assignment) return known.recent;
    const recent = new RecentRecords(this.window);
    for await (const { value } of this.reader.read(topic, {
      partition,
      from: Math.max(0, from - this.window),
      to: from,
    })) {
      const seen = value ? seenRecordOf(value) : undefined;
      if (seen === undefined) continue;
      if (seen.isFiledUnderArrival) recent.add(recordName(seen.deviceId, seen.id), seen.timeMs);
      this.store.recall?.(kindOf(batch), seen);
    }
    this.windows.set(name, { assignment, recent });
    return recent;
  }

  private async commandsOf(batch: LogBatch): Promise<PartitionCommands> {
    const known = this.commands.get(batch.partition);
    if (known?.assignment === batch.assignment) return known;
    const commands = await PartitionCommands.before(batch, this.reader);
    this.commands.set(batch.partition, commands);
    return commands;
  }
}

interface ReadingsInStore {
  /** By index in the batch, as everywhere; more come with the answer. */
  readonly refused: Refusal[];
  /** By index of a point: that of its record. */
  readonly origin: readonly number[];
  /** Of those that are filed under their arrival: the time. */
  readonly names: ReadonlyMap<string, number>;
  readonly written: Promise<WriteOutcome> | undefined;
}

type Reading = Extract<StoreRecord, { kind: 'telemetry' | 'event' }>;

function readingOf({ topic, value }: LogRecord): Reading | Rejection {
  if (!value) return reject('record-unreadable', 'a tombstone has no place in this topic');
  if (topic === 'fieldgate.events.v1') {
    const event = decodeEvent(value);
    return isRejection(event) ? event : { kind: 'event', record: event };
  }
  const telemetry = decodeTelemetry(value);
  return isRejection(telemetry) ? telemetry : { kind: 'telemetry', record: telemetry };
}

function kindOf({ topic }: LogBatch): Reading['kind'] {
  return topic === 'fieldgate.events.v1' ? 'event' : 'telemetry';
}

function count(kind: StoreRecord['kind'], number: number): void {
  if (number > 0) storedTotal.inc({ kind }, number);
}
