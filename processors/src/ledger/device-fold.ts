import {
  LATE_MS,
  MAX_LEDGER_CONNECTIONS,
  mintedNumber,
  mintedSequence,
  noLedger,
  noLogCounts,
  type ConnectionLedger,
  type DeviceLedger,
  type LedgerReport,
  type LedgerTopic,
  type LogCounts,
  type StoredTopic,
} from '@fieldgate/contracts';
import { EarlierConnections } from './earlier-connections.js';
import { RecentIds } from './recent-ids.js';
import { countSeq } from './sequence.js';
import { storedUpTo, wait, type StoragePlace } from './waiting-for-store.js';

/** So far apart the clocks of gateways may be. */
const SKEW_MS = 60_000;

/** A reading or a condition event, as far as it is counted. */
export interface CountedRecord {
  readonly connection?: string | undefined;
  readonly id: string;
  readonly seq?: number | undefined;
  readonly timeMs: number;
  readonly receivedMs: number;
}

/** What is counted of one device. */
export class DeviceFold {
  private readonly connections = new Map<string, ConnectionLedger>();
  private readonly earlier: EarlierConnections;
  private readonly others: LogCounts;
  private readonly sequence: DeviceLedger['sequence'];
  private readonly ids: RecentIds;
  private readonly since: number;

  /** `since`: not all records are counted that came before. */
  constructor(
    readonly deviceId: string,
    before: DeviceLedger = noLedger(deviceId),
    since = 0,
  ) {
    for (const each of before.connections) this.connections.set(each.connection, each);
    this.earlier = new EarlierConnections(before.earlier);
    this.others = before.others;
    this.sequence = before.sequence;
    this.ids = RecentIds.of(before.ids);
    this.since = Math.max(before.since, since);
  }

  record(
    { topic, offset }: { readonly topic: StoredTopic; readonly offset: number },
    record: CountedRecord,
  ): void {
    const { connection, id, seq, timeMs, receivedMs } = record;
    const number = mintedNumber(id);
    const log = this.logOf(connection, receivedMs);
    log.inLog += 1;
    if (receivedMs - timeMs > LATE_MS) log.late += 1;
    if (number !== undefined && this.isRewritten(connection, topic, { id, number })) {
      log.duplicates += 1;
      log.rewritten += 1;
      return;
    }
    this.found(connection, 1);
    if (seq !== undefined && Number.isSafeInteger(seq) && seq >= 0)
      countSeq(this.sequence, { seq, timeMs, receivedMs });
    // the numbers of a connection have said it already; one over none was driven again, whoever has made its id
    const isAskedFor = number === undefined || connection === undefined;
    if (isAskedFor && this.ids.seen(id)) log.duplicates += 1;
    else wait(log, topic, offset);
  }

  /** A dead letter of a gateway, with so many records. */
  refused(
    connection: string | undefined,
    letter: { readonly id: string; readonly code: string; readonly atMs: number },
    records: number,
  ): void {
    const { id, code, atMs } = letter;
    const { deadLetters } = this.logOf(connection, atMs);
    const number = mintedNumber(id);
    if (number !== undefined && this.isRewritten(connection, 'fieldgate.dead-letters.v1', { id, number }))
      return;
    this.found(connection, records);
    deadLetters[code] = (deadLetters[code] ?? 0) + records;
  }

  /**
   * A dead letter of the storage group: it will pass a record that is not in the store, and that is no copy of anything when it is driven again.
   * Letters are kept for longer than readings.
   */
  notStored(
    topic: StoredTopic,
    record: {
      readonly connection: string | undefined;
      readonly id: string | undefined;
      readonly atMs: number;
    },
  ): void {
    const { connection, id, atMs } = record;
    if (id !== undefined) this.ids.forget(id);
    if (topic === 'fieldgate.telemetry.v1' && atMs < this.since) return; // nor is the reading counted
    const kept = connection === undefined ? this.others : this.connectionOf(connection, atMs)?.log;
    (kept ?? this.earlier.log).notStored += 1;
  }

  report(report: LedgerReport): void {
    const kept = this.connectionOf(report.connection, report.to);
    const isPartial = report.from < this.since + SKEW_MS;
    if (kept === undefined) return this.earlier.report(report, isPartial);
    if (kept.report === undefined || kept.report.number < report.number) kept.report = report;
    if (isPartial) kept.isPartial = true;
  }

  /** True when that changes something. */
  storedUpTo(topic: StoredTopic, place: StoragePlace): boolean {
    let hasChanged = false;
    for (const log of this.logs()) if (storedUpTo(log, topic, place)) hasChanged = true;
    return hasChanged;
  }

  get isWaiting(): boolean {
    for (const { waiting } of this.logs()) if (waiting.length > 0) return true;
    return false;
  }

  /** What is counted now; it goes on being counted. */
  ledger(): Pick<DeviceLedger, 'deviceId' | 'connections' | 'earlier' | 'others' | 'sequence'> {
    const { deviceId, others, sequence } = this;
    const connections = Array.from(this.connections.values());
    return { deviceId, connections, earlier: this.earlier.ledger, others, sequence };
  }

  row(next: Readonly<Record<LedgerTopic, number>>): DeviceLedger {
    return { kind: 'device', ...this.ledger(), ids: this.ids.toText(), since: this.since, next };
  }

  private *logs(): IterableIterator<LogCounts> {
    for (const { log } of this.connections.values()) yield log;
    yield this.earlier.log;
    yield this.others;
  }

  /** Of one that comes when newer ones have taken all places more is to come: it is summed up at once, unless it is among the sums already. */
  private logOf(connection: string | undefined, atMs: number): LogCounts {
    if (connection === undefined) return this.others;
    const kept = this.connectionOf(connection, atMs);
    if (kept) return kept.log;
    if (!this.earlier.expects(connection)) this.earlier.add(begun(connection, atMs));
    return this.earlier.log;
  }

  /** Of a connection that is kept by itself its counts say that. */
  private found(connection: string | undefined, records: number): void {
    if (connection !== undefined && !this.connections.has(connection))
      this.earlier.found(connection, records);
  }

  /**
   * Its gateway has written it before: what it mints in a connection ascends, and comes into a topic in that order. Its next run may publish a
   * will over this connection, with numbers of its own.
   */
  private isRewritten(
    connection: string | undefined,
    topic: LedgerTopic,
    { id, number }: { readonly id: string; readonly number: number },
  ): boolean {
    const kept = connection === undefined ? undefined : this.connections.get(connection);
    if (kept === undefined) return false;
    const sequence = mintedSequence(id);
    if (sequence !== (kept.boot ??= sequence)) return this.ids.seen(id);
    const minted = (kept.minted ??= {});
    const highest = minted[topic];
    if (highest !== undefined && number <= highest) return true;
    minted[topic] = number;
    return false;
  }

  /** Undefined: it is summed up, or older than all that are kept. */
  private connectionOf(connection: string, atMs: number): ConnectionLedger | undefined {
    const known = this.connections.get(connection);
    if (known) {
      known.firstAt = Math.min(known.firstAt, atMs);
      known.lastAt = Math.max(known.lastAt, atMs);
      return known;
    }
    if (this.earlier.has(connection)) return undefined;
    if (this.connections.size < MAX_LEDGER_CONNECTIONS) return this.begin(connection, atMs);
    let [oldest] = this.connections.values();
    for (const each of this.connections.values()) if (oldest && each.lastAt < oldest.lastAt) oldest = each;
    if (oldest === undefined || atMs <= oldest.lastAt) return undefined;
    this.connections.delete(oldest.connection);
    this.earlier.add(oldest);
    return this.begin(connection, atMs);
  }

  private begin(connection: string, atMs: number): ConnectionLedger {
    const kept = begun(connection, atMs);
    this.connections.set(connection, kept);
    return kept;
  }
}

function begun(connection: string, atMs: number): ConnectionLedger {
  return { connection, firstAt: atMs, lastAt: atMs, log: noLogCounts() };
}
