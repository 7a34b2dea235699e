import {
  encodeTableRow,
  ledgerStateSchema,
  tableRows,
  type DeviceLedger,
  type LedgerLane,
  type LedgerState,
} from '@fieldgate/contracts';
import { appended, type CommitLog, type LogRecord } from '@fieldgate/commit-log';
import type { Clock } from '@fieldgate/service';
import { partitionsBeside } from '../alerts/partitions-beside.js';

const TOPIC = 'fieldgate.ledger-states.v1';
const COUNTED = 'fieldgate.telemetry.v1';
/** Rows that are on their way at the same time. */
const AT_ONCE = 500;
const readRow = tableRows(TOPIC, ledgerStateSchema);

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
    /** Of the telemetry topic. */
    private readonly partition: number,
  ) {}

  async read(): Promise<{
    readonly lane: LedgerLane | undefined;
    readonly devices: readonly DeviceLedger[];
  }> {
    const newest = new Map<string, LogRecord>();
    for (const { partition, earliest, end } of await this.beside())
      for await (const record of this.log.reader.read(TOPIC, { partition, from: earliest, to: end }))
        newest.set(record.key, record);
    let lane: LedgerLane | undefined;
    const devices: DeviceLedger[] = [];
    for (const [key, { value }] of newest) {
      const row = value ? readRow(value) : undefined;
      if (row?.kind === 'lane' && key === this.laneKey) lane = row;
      if (row?.kind === 'device' && this.log.reader.partitionOf(COUNTED, row.deviceId) === this.partition)
        devices.push(row);
    }
    return { lane, devices };
  }

  async writeDevices(rows: readonly DeviceLedger[]): Promise<void> {
    for (let from = 0; from < rows.length; from += AT_ONCE)
      await Promise.all(
        rows.slice(from, from + AT_ONCE).map((row) => this.write(row.deviceId, row.deviceId, row)),
      );
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

  private get laneKey(): string {
    return `~lane/${this.partition}`;
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
