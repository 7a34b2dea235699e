import {
  counterDifference,
  foundRecords,
  MAX_OPEN_CONNECTIONS,
  sumOfCounters,
  sumOfLogs,
  unaccountedOfOpen,
  type ConnectionLedger,
  type EarlierLedger,
  type LedgerReport,
  type LogCounts,
  type OpenConnection,
} from '@fieldgate/contracts';
import { wait } from './waiting-for-store.js';

/**
 * The sums of the connections that are no longer kept one by one. What is not found of one of them is known by connection, or was when it was
 * summed up: what another has too many does not make up for it.
 */
export class EarlierConnections {
  constructor(readonly ledger: EarlierLedger) {}

  get log(): LogCounts {
    return this.ledger.log;
  }

  /** It is summed up, and more of it may come. */
  has(connection: string): boolean {
    return this.openOf(connection) !== undefined;
  }

  /**
   * Also of one that is not known by name any more and misses something: its records wait in a spool when only its reports got through. It may
   * be one that was never seen, and what it has hides as much of a loss.
   */
  expects(connection: string): boolean {
    return this.has(connection) || this.ledger.unaccounted > 0;
  }

  add({ connection, log, report, isPartial }: ConnectionLedger): void {
    const { ledger } = this;
    ledger.connections += 1;
    if (report?.final !== true) ledger.incomplete += 1;
    if (report) ledger.counters = sumOfCounters(ledger.counters, report.counters);
    this.addLog(log);
    ledger.open.push({ connection, found: foundRecords(log), report, isPartial });
    this.close();
  }

  /** So many records of one of them have come. */
  found(connection: string, records: number): void {
    const { ledger } = this;
    const open = this.openOf(connection);
    if (open === undefined) {
      ledger.unaccounted = Math.max(0, ledger.unaccounted - records);
      return;
    }
    open.found += records;
    this.close();
  }

  /** What its gateway had counted before is among the sums. */
  report(report: LedgerReport, isPartial: boolean): void {
    const { ledger } = this;
    const open = this.openOf(report.connection);
    if (open === undefined || (open.report && open.report.number >= report.number)) return;
    const before = open.report ? counterDifference(ledger.counters, open.report.counters) : ledger.counters;
    ledger.counters = sumOfCounters(before, report.counters);
    if (report.final && open.report?.final !== true) ledger.incomplete -= 1;
    open.report = report;
    if (isPartial) open.isPartial = true;
    this.close();
  }

  private openOf(connection: string): OpenConnection | undefined {
    return this.ledger.open.find((each) => each.connection === connection);
  }

  private addLog(log: LogCounts): void {
    const { ledger } = this;
    const { waiting } = ledger.log;
    ledger.log = { ...sumOfLogs(ledger.log, log), waiting };
    for (const { topic, offset, records } of log.waiting) wait(ledger.log, topic, offset, records);
  }

  /** Open are those of which more must come, and the newest of them. */
  private close(): void {
    const { ledger } = this;
    ledger.open = ledger.open.filter((each) => each.report?.final !== true || unaccountedOfOpen(each) > 0);
    for (const oldest of ledger.open.splice(0, Math.max(0, ledger.open.length - MAX_OPEN_CONNECTIONS)))
      ledger.unaccounted += unaccountedOfOpen(oldest);
  }
}
