import { FieldgateError } from '@fieldgate/contracts';
import { backOffMs, type Clock, type Logger } from '@fieldgate/service';
import { Gauge } from 'prom-client';
import { PROBLEMS, StoreProblem, type ProblemKind } from './store-problem.js';

const problemGauge = new Gauge({
  name: 'fieldgate_store_problem',
  help: '1 while InfluxDB cannot be used for this reason, 0 otherwise',
  labelNames: ['reason'] as const,
});

/** A partition tries a write again within 5 s, and its three answers take up to 10 s each: after that nobody here is writing any more. */
const WRITER_GONE_MS = 40_000;

export interface StoreHealthParts {
  /** As it may be shown. */
  readonly store: string;
  readonly logger: Logger;
  readonly monotonic: Clock;
  /** Looks whether the server is there, and tells `well` or `failed`. */
  readonly look: () => void;
}

/**
 * Whether the store can be used, and since when not: one log line when that ends and one when it is back, the metric, and the wait that the
 * server has asked for. What a write has found is believed until a write succeeds: a server may answer queries and store nothing.
 */
export class StoreHealth {
  private current: { readonly kind: ProblemKind; readonly text: string } | undefined;
  private failures = 0;
  private probe: NodeJS.Timeout | undefined;
  private writeFailedAt = Number.NEGATIVE_INFINITY;
  private closedUntil = Number.NEGATIVE_INFINITY;
  private awayAt = Number.NEGATIVE_INFINITY;
  private backAt = Number.NEGATIVE_INFINITY;

  constructor(private readonly parts: StoreHealthParts) {}

  get problem(): string | undefined {
    return this.current?.text;
  }

  /** Throws while the server has asked to be left alone: one answer counts for all partitions. */
  admitWrite(): void {
    const nowMs = this.parts.monotonic.now();
    if (nowMs >= this.closedUntil) return;
    this.writeFailedAt = nowMs;
    throw new FieldgateError('store-unavailable', this.problem);
  }

  /** `sinceMs`: when it was asked, on the monotonic clock. What was asked before the store went away may only have been answered in time. */
  well(by: 'write' | 'look', sinceMs = this.parts.monotonic.now()): void {
    if (this.current !== undefined && sinceMs < this.awayAt) return;
    if (by === 'write') this.writeFailedAt = Number.NEGATIVE_INFINITY;
    else if (this.parts.monotonic.now() - this.writeFailedAt < WRITER_GONE_MS) return this.lookAgain();
    if (this.parts.monotonic.now() < this.closedUntil) return this.lookAgain(); // asked before it was told to wait
    if (this.current !== undefined) {
      this.backAt = this.parts.monotonic.now();
      this.parts.logger.info({ store: this.parts.store }, 'telemetry store answers again');
    }
    this.show(undefined);
    this.failures = 0;
  }

  /** `sinceMs`: when it was asked, on the monotonic clock. What was asked before the store was back says nothing new, unless it is told to wait. */
  failed(by: 'write' | 'look', error: FieldgateError, sinceMs = this.parts.monotonic.now()): void {
    const nowMs = this.parts.monotonic.now();
    const problem = error instanceof StoreProblem ? error : undefined;
    if (sinceMs < this.backAt && problem?.kind !== 'busy') return this.doubt();
    if (by === 'write') this.writeFailedAt = nowMs;
    else if (nowMs - this.writeFailedAt < WRITER_GONE_MS) return this.lookAgain();
    if (problem) this.closedUntil = Math.max(this.closedUntil, nowMs + problem.retryAfterMs);
    if (this.current === undefined) this.awayAt = nowMs;
    const kind = problem?.kind ?? 'unreachable';
    if (this.current === undefined || this.current.kind !== kind)
      this.parts.logger.warn(
        { store: this.parts.store, problem: kind, reason: error.message },
        'telemetry store does not answer',
      );
    this.show({ kind, text: error.message });
    this.lookAgain();
  }

  /** A query has failed, which it may have done for reasons of its own. */
  doubt(): void {
    if (this.current === undefined) this.lookIn(0);
  }

  stop(): void {
    clearTimeout(this.probe);
    this.show(undefined);
  }

  private lookAgain(): void {
    this.lookIn(Math.max(backOffMs(this.failures++), this.closedUntil - this.parts.monotonic.now()));
  }

  private lookIn(ms: number): void {
    clearTimeout(this.probe);
    this.probe = setTimeout(() => this.parts.look(), ms).unref();
  }

  private show(problem: StoreHealth['current']): void {
    this.current = problem;
    for (const reason of PROBLEMS) problemGauge.set({ reason }, problem?.kind === reason ? 1 : 0);
  }
}
