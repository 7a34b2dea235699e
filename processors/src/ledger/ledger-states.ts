import { randomBytes } from 'node:crypto';
import {
  encodeTableRow,
  FieldgateError,
  LEDGER_TOPICS,
  ledgerStateSchema,
  tableRows,
  type DeviceLedger,
  type LedgerLane,
  type LedgerState,
} from '@fieldgate/contracts';
import { appended, type CommitLog, type LogRecord } from '@fieldgate/commit-log';
import type { Clock, Logger } from '@fieldgate/service';
import { Counter } from 'prom-client';
import { partitionsBeside } from '../alerts/partitions-beside.js';

const TOPIC = 'fieldgate.ledger-states.v1';
const COUNTED = 'fieldgate.telemetry.v1';
const LANE = '~lane/';
const CLAIM = '~claim/';
/** Rows that are on their way at the same time. */
const AT_ONCE = 500;
const readRow = tableRows(TOPIC, ledgerStateSchema);
/** Of ids `<holder>-<number>`, where `encodeTableRow` puts them. Rows from before there were claims have ids of another length, and no holder. */
const HOLDER =
  /^\{"specversion":"1\.0","type":"[^"]*","source":"[^"]*","subject":"(?:[^"\\]|\\.)*","id":"([0-9a-f]{12})-/;
const HOLDER_BYTES = 6;
/** Of texts, until one goes to a partition; of 8 partitions each takes one in 8. */
const MOST_TEXTS = 100_000;
/** All of that with the longest device id, of which every character is escaped. */
const FRONT_BYTES = 640;

const unreadableRows = new Counter({
  name: 'fieldgate_ledger_unreadable_rows_total',
  help: 'Rows of the ledger that were not understood when a partition was taken over: their devices are counted from then on',
});

/**
 * What is counted, in the log: a row for each device, which says up to where, and one for the partition, written after those of its devices: none
 * of them is older than it says. Who takes the partition over claims it in the same place: a row that a frozen holder writes when it
 * comes back is behind that, and not taken for newer. The id of a row says who has written it.
 */
export class LedgerStates {
  private readonly holder = randomBytes(HOLDER_BYTES).toString('hex');
  private writes = 0;
  private besideDevices: string | undefined;

  constructor(
    private readonly log: CommitLog,
    private readonly clock: Clock,
    private readonly logger: Logger,
    /** Of the telemetry topic. */
    private readonly partition: number,
  ) {}

  /** To be called once, before anything is written. Throws `log-unavailable` when another has claimed the partition meanwhile. */
  async takeOver(): Promise<{
    readonly lane: LedgerLane | undefined;
    readonly devices: readonly DeviceLedger[];
    /** Of these: rows of another holder than that of the partition's, and older. */
    readonly uncertain: readonly DeviceLedger[];
    /** Devices with a row that is not understood. */
    readonly unreadable: readonly string[];
    /** Of these a row stands behind the one that counts: to be written anew, since nobody else sees that. */
    readonly writtenOver: { readonly devices: readonly string[]; readonly lane: boolean };
  }> {
    for (const { partition } of await this.beside()) {
      await this.write(this.claimKey, this.textOf(partition, this.claimKey), { kind: 'claim' });
    }
    const newest = new Map<string, LogRecord>();
    const late = new Map<string, LogRecord>();
    for (const { partition, earliest, end } of await this.beside()) {
      let holder: string | undefined; // what is older than the first claim is as good as any other
      for await (const record of this.log.reader.read(TOPIC, { partition, from: earliest, to: end })) {
        const { key } = record;
        const by = holderOf(record);
        if (key === this.claimKey) {
          holder = by;
        } else if (holder === undefined || by === undefined || by === holder) {
          newest.set(key, record);
          late.delete(key);
        } else {
          late.set(key, record);
        }
      }
      if (holder !== this.holder)
        throw new FieldgateError('log-unavailable', `partition ${this.partition} was claimed by another`);
    }
    // what counts was compacted: rows of one holder fit each other, and others are better than nothing
    const fitting = newest.has(this.laneKey) ? undefined : holderOf(late.get(this.laneKey));
    const others = new Set<string>();
    for (const [key, record] of late) {
      const fits = holderOf(record) === fitting;
      if (!fits && newest.has(key)) continue;
      newest.set(key, record);
      if (!fits) others.add(key);
    }
    let lane: LedgerLane | undefined;
    const devices: DeviceLedger[] = [];
    const unreadable: LogRecord[] = [];
    for (const record of newest.values()) {
      const { key, value } = record;
      if (!value || !this.isOfHere(key)) continue;
      const row = readRow(value);
      if (row?.kind === 'lane') lane = row;
      else if (row?.kind === 'device') devices.push(row);
      else unreadable.push(record);
    }
    this.report(unreadable);
    return {
      lane,
      devices,
      uncertain: devices.filter((device) => others.has(device.deviceId) && this.isOlder(device, lane)),
      unreadable: unreadable.map(({ key }) => key).filter((key) => key !== this.laneKey),
      writtenOver: {
        devices: [...late.keys()].filter((key) => key !== this.laneKey && this.isOfHere(key)),
        lane: late.has(this.laneKey),
      },
    };
  }

  async writeDevices(rows: readonly DeviceLedger[]): Promise<void> {
    await forEach(rows, (row) => this.write(row.deviceId, row.deviceId, row));
  }

  /** The rows of devices that are no more. */
  async remove(deviceIds: readonly string[]): Promise<void> {
    await forEach(deviceIds, (key) => appended(this.log.writer, { topic: TOPIC, key, value: null }));
  }

  async writeLane(row: LedgerLane): Promise<void> {
    this.besideDevices ??= await this.textBesideDevices();
    await this.write(this.laneKey, this.besideDevices, row);
  }

  private async write(key: string, partitionKey: string, data: LedgerState): Promise<void> {
    const atMs = this.clock.now();
    this.writes += 1;
    const value = encodeTableRow(TOPIC, { key, id: `${this.holder}-${this.writes}`, atMs, data });
    await appended(this.log.writer, { topic: TOPIC, key, partitionKey, value });
  }

  private beside(): ReturnType<typeof partitionsBeside> {
    return partitionsBeside(this.log.reader, TOPIC, { topic: COUNTED, partition: this.partition });
  }

  private isOlder({ deviceId, next }: DeviceLedger, lane: LedgerLane | undefined): boolean {
    const { reader } = this.log;
    return LEDGER_TOPICS.some(
      (topic) => next[topic] < (lane?.next[`${topic}/${reader.partitionOf(topic, deviceId)}`] ?? 0),
    );
  }

  private isOfHere(key: string): boolean {
    if (key.startsWith(LANE)) return key === this.laneKey;
    if (key.startsWith(CLAIM)) return false;
    return this.log.reader.partitionOf(COUNTED, key) === this.partition;
  }

  private report(unreadable: readonly LogRecord[]): void {
    const [first] = unreadable;
    if (first === undefined) return;
    unreadableRows.inc(unreadable.length);
    const { topic, partition, offset, key } = first;
    const of = { topic, partition, offset, key, rows: unreadable.length, code: 'record-unreadable' };
    this.logger.warn(of, 'ledger rows not understood');
  }

  private get laneKey(): string {
    return `${LANE}${this.partition}`;
  }

  private get claimKey(): string {
    return `${CLAIM}${this.partition}`;
  }

  /** Some text that goes to the partition where the rows of the devices are; any will do, where that is not one partition. */
  private async textBesideDevices(): Promise<string> {
    const [first, ...others] = await this.beside();
    return first && others.length === 0 ? this.textOf(first.partition, this.laneKey) : this.laneKey;
  }

  private textOf(partition: number, beginning: string): string {
    for (let attempt = 0; attempt < MOST_TEXTS; attempt += 1) {
      const text = `${beginning}/${attempt}`;
      if (this.log.reader.partitionOf(TOPIC, text) === partition) return text;
    }
    throw new FieldgateError('log-unavailable', `nothing goes to partition ${partition} of ${TOPIC}`);
  }
}

/** undefined: a row of nobody's, or none any more. */
function holderOf(record: LogRecord | undefined): string | undefined {
  const value = record?.value;
  if (!value) return undefined;
  const front = Buffer.from(value.buffer, value.byteOffset, Math.min(value.byteLength, FRONT_BYTES));
  return HOLDER.exec(front.toString('latin1'))?.[1];
}

async function forEach<T>(rows: readonly T[], write: (row: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < rows.length; from += AT_ONCE)
    await Promise.all(rows.slice(from, from + AT_ONCE).map(write));
}
