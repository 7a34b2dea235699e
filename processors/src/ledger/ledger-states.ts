import {
  encodeTableRow,
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
/** Rows that are on their way at the same time. */
const AT_ONCE = 500;
const readRow = tableRows(TOPIC, ledgerStateSchema);

const unreadableRows = new Counter({
  name: 'fieldgate_ledger_unreadable_rows_total',
  help: 'Rows of the ledger that were not understood when a partition was taken over: their devices are counted from then on',
});

/**
 * What is counted, in the log: a row for each device, which says up to where, and one for the partition, written after those of its devices: none
 * of them is older than it says.
 */
export class LedgerStates {
  private writes = 0;
  private besideDevices: string | undefined;

  constructor(
    private readonly log: CommitLog,
    private readonly clock: Clock,
    private readonly logger: Logger,
    /** Of the telemetry topic. */
    private readonly partition: number,
  ) {}

  async read(): Promise<{
    readonly lane: LedgerLane | undefined;
    readonly devices: readonly DeviceLedger[];
    /** Devices with a row that is not understood. */
    readonly unreadable: readonly string[];
  }> {
    const newest = new Map<string, LogRecord>();
    for (const { partition, earliest, end } of await this.beside())
      for await (const record of this.log.reader.read(TOPIC, { partition, from: earliest, to: end }))
        newest.set(record.key, record);
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
      unreadable: unreadable.map(({ key }) => key).filter((key) => key !== this.laneKey),
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
    const value = encodeTableRow(TOPIC, { key, id: `${atMs}-${this.writes}`, atMs, data });
    await appended(this.log.writer, { topic: TOPIC, key, partitionKey, value });
  }

  private beside(): ReturnType<typeof partitionsBeside> {
    return partitionsBeside(this.log.reader, TOPIC, { topic: COUNTED, partition: this.partition });
  }

  private isOfHere(key: string): boolean {
    if (key.startsWith(LANE)) return key === this.laneKey;
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

  /** Some text that goes to the partition where the rows of the devices are; any will do, where that is not one partition. */
  private async textBesideDevices(): Promise<string> {
    const beside = await this.beside();
    let text = this.laneKey;
    for (let attempt = 0; beside.length === 1; attempt += 1) {
      text = `${this.laneKey}/${attempt}`;
      if (this.log.reader.partitionOf(TOPIC, text) === beside[0]?.partition) break;
    }
    return text;
  }
}

async function forEach<T>(rows: readonly T[], write: (row: T) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < rows.length; from += AT_ONCE)
    await Promise.all(rows.slice(from, from + AT_ONCE).map(write));
}
