import { encodeLedgerReport, type FieldgateError, type LedgerReport } from '@fieldgate/contracts';
import type { CommitLog } from '@fieldgate/commit-log';
import type { Clock, RepeatedLines } from '@fieldgate/service';
import { counts } from '../gateway.metrics.js';
import type { DeviceSession } from '../sessions/device-session.js';
import { takesNothing } from '../takes-nothing.js';

export const REPORT_EVERY_MS = 60_000;
/** A connection that has ended and for so long has messages that the log has not settled is reported without them, before its last report. */
const SETTLE_MS = 15_000;
/** Connections that have ended and are not reported, as when the log is away; beyond that the oldest stay without a last report. */
const MOST_ENDED = 10_000;

interface Reporting {
  readonly session: DeviceSession;
  number: number;
  /** ms of the monotonic clock. */
  dueAt: number;
  /** `changes` of what the log has. */
  reported: number;
  isWriting: boolean;
  ended?: { readonly reason: string; readonly at: number; readonly untilMs: number };
}

/**
 * Appends what is counted of each connection: once a minute when something has changed, spread over the minute, and at its end. While the log
 * is away nothing is written; the next report says it all.
 */
export class ReportSessions {
  private readonly live = new Map<DeviceSession, Reporting>();
  private readonly ended = new Set<Reporting>();
  private writing = 0;

  constructor(
    private readonly gateway: { readonly gatewayId: string; readonly boot: string },
    private readonly log: CommitLog,
    private readonly sessions: () => Iterable<DeviceSession>,
    private readonly clocks: { readonly epoch: Clock; readonly monotonic: Clock },
    private readonly lines: RepeatedLines,
  ) {}

  /** To be called once a second. */
  tick(): void {
    if (takesNothing(this.log)) return;
    const now = this.clocks.monotonic.now();
    for (const session of this.sessions()) {
      if (session.counters === undefined) continue;
      const reporting = this.reportingOf(session, now);
      if (now >= reporting.dueAt) this.report(reporting, now);
    }
    this.writeEnded(now);
  }

  /** Its connection has ended. */
  end(session: DeviceSession, reason: string): void {
    const { epoch, monotonic } = this.clocks;
    const now = monotonic.now();
    const reporting = this.live.get(session);
    this.live.delete(session);
    if (session.counters === undefined) return; // it has said nothing
    const ending = reporting ?? begin(session, now);
    ending.ended = { reason, at: epoch.now(), untilMs: now + SETTLE_MS };
    this.ended.add(ending);
    for (const oldest of this.ended) {
      if (this.ended.size <= MOST_ENDED) break;
      this.ended.delete(oldest);
    }
    if (!takesNothing(this.log) && isSettled(ending)) this.write(ending);
  }

  /** To be called before the log is closed, again and again while it is true: last reports are waited for. */
  flush(): boolean {
    if (takesNothing(this.log)) return false;
    this.writeEnded(this.clocks.monotonic.now());
    return this.ended.size > 0;
  }

  /** What is not settled even now is reported without; it is not the last word. */
  giveUp(): void {
    if (!takesNothing(this.log)) this.writeEnded(Infinity);
  }

  /** Reports that are not durable yet. */
  get onTheirWay(): number {
    return this.writing;
  }

  private reportingOf(session: DeviceSession, now: number): Reporting {
    const known = this.live.get(session);
    if (known) return known;
    const reporting = begin(session, now);
    this.live.set(session, reporting);
    return reporting;
  }

  private report(reporting: Reporting, now: number): void {
    reporting.dueAt = now + REPORT_EVERY_MS;
    if (hasChanged(reporting)) this.write(reporting);
  }

  private writeEnded(now: number): void {
    for (const reporting of this.ended) {
      const isLate = now >= (reporting.ended?.untilMs ?? 0) && hasChanged(reporting);
      if (isLate || isSettled(reporting)) this.write(reporting);
    }
  }

  private write(reporting: Reporting): void {
    const { session, ended } = reporting;
    const { counters } = session;
    if (reporting.isWriting || counters === undefined) return; // one after the other: the newest must be the last
    const { changes } = counters;
    const report: LedgerReport = {
      connection: session.connection,
      gateway: this.gateway.gatewayId,
      boot: this.gateway.boot,
      number: (reporting.number += 1),
      from: session.connectedAt,
      to: ended?.at ?? this.clocks.epoch.now(),
      final: ended !== undefined && isSettled(reporting),
      ...(ended === undefined ? {} : { reason: ended.reason }),
      counters: counters.snapshot(),
    };
    reporting.isWriting = true;
    this.writing += 1;
    const value = encodeLedgerReport(session.deviceId, report);
    // it may come into the log before the records that it is about, where only their partition is away
    this.log.ingest.append({ topic: 'fieldgate.ledger.v1', key: session.deviceId, value }, (error) => {
      reporting.isWriting = false;
      this.writing -= 1;
      if (error) return this.notWritten(reporting, error);
      counts.ledgerReports += 1;
      reporting.reported = changes;
      if (report.final) this.ended.delete(reporting);
    });
  }

  /** The next one says the same and more; one of a connection that has ended is tried again, unless it is refused for good. */
  private notWritten(reporting: Reporting, error: FieldgateError): void {
    if (!error.retriable) this.ended.delete(reporting);
    this.lines.log('warn', 'ledger', { code: error.code }, 'ledger report not written');
  }
}

/** The first report of a connection comes anywhere within its first minute: its id is random. */
function begin(session: DeviceSession, now: number): Reporting {
  const within = Number.parseInt(session.connection.slice(0, 6), 16) % REPORT_EVERY_MS;
  const dueAt = now + (Number.isNaN(within) ? REPORT_EVERY_MS : within);
  return { session, number: 0, dueAt, reported: 0, isWriting: false };
}

function hasChanged({ session, reported }: Reporting): boolean {
  return session.counters?.changes !== reported;
}

function isSettled({ session: { counters } }: Reporting): boolean {
  return counters === undefined || counters.settled >= counters.received;
}
