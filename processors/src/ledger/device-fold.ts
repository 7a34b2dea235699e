import {
  isMinted,
  LATE_MS,
  MAX_LEDGER_CONNECTIONS,
  type ConnectionLedger,
  type DeviceLedger,
  type EarlierLedger,
  type LedgerCounters,
  type LedgerReport,
  type LedgerTopic,
  type LogCounts,
  type StoredTopic,
  type WaitingForStore,
} from '@fieldgate/contracts';
import { RecentIds } from './recent-ids.js';
import { countSeq, noSequence } from './sequence.js';

/** Offsets up to which records wait for the store, of one connection and topic; the newest of them grows when there are more. */
const MOST_WAITING = 8;

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
  private readonly earlier: EarlierLedger;
  private readonly others: LogCounts;
  private readonly sequence: DeviceLedger['sequence'];
  private readonly ids: RecentIds;

  constructor(
    readonly deviceId: string,
    before?: DeviceLedger,
  ) {
    for (const each of before?.connections ?? []) this.connections.set(each.connection, each);
    this.earlier = before?.earlier ?? {
      connections: 0,
      incomplete: 0,
      log: noLogCounts(),
      counters: noCounters(),
    };
    this.others = before?.others ?? noLogCounts();
    this.sequence = before?.sequence ?? noSequence();
    this.ids = RecentIds.of(before?.ids ?? '');
  }

  record(
    { topic, offset }: { readonly topic: StoredTopic; readonly offset: number },
    record: CountedRecord,
  ): void {
    const { connection, id, seq, timeMs, receivedMs } = record;
    const log = this.logOf(connection, receivedMs);
    log.inLog += 1;
    if (receivedMs - timeMs > LATE_MS) log.late += 1;
    if (seq !== undefined && Number.isSafeInteger(seq) && seq >= 0)
      countSeq(this.sequence, { seq, timeMs, receivedMs });
    if (!isMinted(id) && this.ids.seen(id))
      log.duplicates += 1; // minted: it comes only once
    else wait(log, topic, offset);
  }

  /** Dead letters of a gateway. */
  refused(
    connection: string | undefined,
    at: { readonly code: string; readonly atMs: number },
    records: number,
  ): void {
    const { deadLetters } = this.logOf(connection, at.atMs);
    deadLetters[at.code] = (deadLetters[at.code] ?? 0) + records;
  }

  /** A dead letter of the storage group: it will pass a record that is not in the store. */
  notStored(connection: string | undefined, atMs: number): void {
    this.logOf(connection, atMs).notStored += 1;
  }

  report(report: LedgerReport): void {
    const known = this.connectionOf(report.connection, report.to);
    if (known === undefined) return; // of one that is no longer kept by itself
    if (known.report === undefined || known.report.number < report.number) known.report = report;
  }

  /** The storage group is past everything before `offset` of `topic`. True when that changes something. */
  storedUpTo(topic: StoredTopic, offset: number): boolean {
    let hasChanged = false;
    for (const log of this.logs()) {
      if (!log.waiting.some((each) => each.topic === topic && each.offset < offset)) continue;
      hasChanged = true;
      log.waiting = log.waiting.filter((each) => {
        if (each.topic !== topic || each.offset >= offset) return true;
        log.stored += each.records;
        return false;
      });
    }
    return hasChanged;
  }

  get isWaiting(): boolean {
    for (const { waiting } of this.logs()) if (waiting.length > 0) return true;
    return false;
  }

  /** What is counted now; it goes on being counted. */
  ledger(): Pick<DeviceLedger, 'deviceId' | 'connections' | 'earlier' | 'others' | 'sequence'> {
    const { deviceId, earlier, others, sequence } = this;
    return { deviceId, connections: [...this.connections.values()], earlier, others, sequence };
  }

  row(next: Readonly<Record<LedgerTopic, number>>): DeviceLedger {
    return { kind: 'device', ...this.ledger(), ids: this.ids.toText(), next };
  }

  private *logs(): IterableIterator<LogCounts> {
    for (const { log } of this.connections.values()) yield log;
    yield this.earlier.log;
    yield this.others;
  }

  private logOf(connection: string | undefined, atMs: number): LogCounts {
    if (connection === undefined) return this.others;
    return this.connectionOf(connection, atMs)?.log ?? this.earlier.log;
  }

  /** Undefined: it is older than all that are kept. */
  private connectionOf(connection: string, atMs: number): ConnectionLedger | undefined {
    const known = this.connections.get(connection);
    if (known) {
      known.firstAt = Math.min(known.firstAt, atMs);
      known.lastAt = Math.max(known.lastAt, atMs);
      return known;
    }
    const begun: ConnectionLedger = { connection, firstAt: atMs, lastAt: atMs, log: noLogCounts() };
    if (this.connections.size < MAX_LEDGER_CONNECTIONS) {
      this.connections.set(connection, begun);
      return begun;
    }
    let [oldest] = this.connections.values();
    for (const each of this.connections.values()) if (oldest && each.lastAt < oldest.lastAt) oldest = each;
    if (oldest === undefined || atMs <= oldest.lastAt) return undefined;
    this.sumUp(oldest);
    this.connections.set(connection, begun);
    return begun;
  }

  private sumUp({ connection, log, report }: ConnectionLedger): void {
    const { earlier } = this;
    this.connections.delete(connection);
    earlier.connections += 1;
    if (report?.final !== true) earlier.incomplete += 1;
    if (report) addCounters(earlier.counters, report.counters);
    addLogCounts(earlier.log, log);
  }
}

export function noLogCounts(): LogCounts {
  return { inLog: 0, duplicates: 0, late: 0, stored: 0, notStored: 0, deadLetters: {}, waiting: [] };
}

function noCounters(): LedgerCounters {
  const none = {
    messages: 0,
    received: 0,
    acknowledged: 0,
    unanswered: 0,
    unasked: 0,
    dropped: 0,
    answers: 0,
  };
  return { ...none, refused: {} };
}

function addCounters(sum: LedgerCounters, more: LedgerCounters): void {
  sum.messages += more.messages;
  sum.received += more.received;
  sum.acknowledged += more.acknowledged;
  sum.unanswered += more.unanswered;
  sum.unasked += more.unasked;
  sum.dropped += more.dropped;
  sum.answers += more.answers;
  addByCode(sum.refused, more.refused);
}

function addLogCounts(sum: LogCounts, more: LogCounts): void {
  sum.inLog += more.inLog;
  sum.duplicates += more.duplicates;
  sum.late += more.late;
  sum.stored += more.stored;
  sum.notStored += more.notStored;
  addByCode(sum.deadLetters, more.deadLetters);
  for (const { topic, offset, records } of more.waiting) wait(sum, topic, offset, records);
}

function addByCode(sum: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [code, records] of Object.entries(more)) sum[code] = (sum[code] ?? 0) + records;
}

function wait({ waiting }: LogCounts, topic: StoredTopic, offset: number, records = 1): void {
  let ofTopic = 0;
  let newest: WaitingForStore | undefined;
  for (const each of waiting) {
    if (each.topic !== topic) continue;
    ofTopic += 1;
    newest = each;
  }
  if (newest === undefined || ofTopic < MOST_WAITING) {
    waiting.push({ topic, offset, records });
    return;
  }
  newest.offset = Math.max(newest.offset, offset);
  newest.records += records;
}
