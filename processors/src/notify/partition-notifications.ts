import type { NotificationSettings } from '@fieldgate/alert-rules';
import { decodeAlertStep, isRejection, type AlertStepRecord } from '@fieldgate/contracts';
import type { LogBatch, LogReader, LogRecord, PartitionAssignment } from '@fieldgate/commit-log';
import { backOffMs, type Clock } from '@fieldgate/service';
import type { Refusal } from '../delivery/deliver-batch.js';
import type { NotificationOutcome } from './notification-counters.js';
import type { Sender, SendResult } from './sender.js';
import { SentAlerts } from './sent-alerts.js';

/**
 * Records before the first batch from which it is worked out what was sent; a fraction of a second to read. Not by time: an alert may be open as
 * long as the topic keeps its steps, and whoever was told must hear that it is over.
 */
const READ_BACK = 50_000;

/** A step is appended as soon as it is written; one that was appended later than this after it was written is driven again. */
const REDRIVEN_AFTER_MS = 10_000;

export interface SinkParts {
  readonly settings: NotificationSettings;
  readonly sinksOf: (rule: string) => readonly string[] | undefined;
  readonly sender: Sender;
  readonly clock: Clock;
  /** For the time between tries. */
  readonly monotonic: Clock;
}

/** What became of one record: the sink is done with it, or it comes again. */
export type Passage =
  | { readonly kind: 'done'; readonly outcome: NotificationOutcome; readonly detail?: string }
  | {
      readonly kind: 'done';
      readonly outcome: 'refused' | 'given-up';
      readonly refusal: Omit<Refusal, 'index'>;
    }
  | { readonly kind: 'again'; readonly detail?: string };

/** The record that is tried again and again, and holds up the others of its partition. */
interface Tries {
  readonly offset: number;
  readonly firstMs: number;
  readonly count: number;
  readonly nextMs: number;
}

/** One sink at one partition of the alerts, for as long as this member holds it. */
export class PartitionNotifications {
  private tries: Tries | undefined;
  private readonly passed = new Map<number, Passage>();

  private constructor(
    readonly assignment: PartitionAssignment,
    private readonly parts: SinkParts,
    private readonly sent: SentAlerts,
  ) {}

  /** Goes through the newest records before the batch as if each had been sent when it was appended, so that a restart sends nothing again. */
  static async before(batch: LogBatch, reader: LogReader, parts: SinkParts): Promise<PartitionNotifications> {
    const sent = new SentAlerts(parts.settings, parts.sinksOf);
    const { partition, from: to } = batch;
    const from = Math.max(0, to - READ_BACK);
    for await (const { value, timestampMs: atMs } of reader.read(batch.topic, { partition, from, to })) {
      const record = value ? decodeAlertStep(value) : undefined;
      if (!record || isRejection(record)) continue; // its dead letter is written
      if (sent.choose(record.step, { atMs }) === 'send') sent.keep(record.step, { atMs, isAssumed: true });
    }
    return new PartitionNotifications(batch.assignment, parts, sent);
  }

  /** What was passed in this assignment and comes again with its batch is answered as before, and not sent again. */
  async pass(record: LogRecord, stop: AbortSignal): Promise<Passage> {
    const known = this.passed.get(record.offset);
    if (known) return known;
    const passage = await this.decide(record, stop);
    if (passage.kind === 'done') {
      this.passed.set(record.offset, passage);
      this.tries = undefined;
    }
    return passage;
  }

  isPassed(offset: number): boolean {
    return this.passed.has(offset);
  }

  /** Everything before this offset is the group's past. */
  forgetBefore(offset: number): void {
    for (const each of this.passed.keys()) if (each < offset) this.passed.delete(each);
  }

  private async decide({ offset, value, timestampMs }: LogRecord, stop: AbortSignal): Promise<Passage> {
    if (!value) return { kind: 'done', outcome: 'skipped' };
    const record = decodeAlertStep(value);
    if (isRejection(record)) return { kind: 'done', outcome: 'refused', refusal: record };
    const { settings, clock, monotonic, sender } = this.parts;
    const tries = this.tries?.offset === offset ? this.tries : undefined;
    if (tries && monotonic.now() < tries.nextMs) return { kind: 'again' };
    const isRedriven = timestampMs - record.writtenMs > REDRIVEN_AFTER_MS;
    const choice = this.sent.choose(record.step, { atMs: clock.now(), isRedriven });
    if (choice !== 'send') return { kind: 'done', outcome: choice };
    const isTooOld = clock.now() - timestampMs > settings.maxAgeMs; // since the append: what is driven again is new
    if (!tries && isTooOld) return { kind: 'done', outcome: 'too-old' };
    const firstMs = tries?.firstMs ?? monotonic.now();
    const result = await sender.send({ id: record.id, step: record.step, event: value }, stop);
    return this.passageOf(result, record, { offset, firstMs, count: tries?.count ?? 0 });
  }

  private passageOf(
    result: SendResult,
    { step }: AlertStepRecord,
    { offset, firstMs, count }: Omit<Tries, 'nextMs'>,
  ): Passage {
    switch (result.kind) {
      case 'delivered': {
        this.sent.keep(step, { atMs: this.parts.clock.now() });
        return { ...result, kind: 'done', outcome: 'delivered' };
      }
      case 'refused':
        return { kind: 'done', outcome: 'refused', refusal: result };
      case 'again': {
        const now = this.parts.monotonic.now();
        const { detail, afterMs = pauseMs(count) } = result;
        if (now - firstMs >= this.parts.settings.giveUpAfterMs)
          return {
            kind: 'done',
            outcome: 'given-up',
            refusal: {
              code: 'notification-failed',
              detail: `given up after ${count === 0 ? 'one try' : `${count + 1} tries`}: ${detail}`,
            },
          };
        this.tries = { offset, firstMs, count: count + 1, nextMs: now + afterMs };
        return { kind: 'again', detail };
      }
    }
  }
}

/** As the log waits between tries, ten times slower: from a second to almost a minute. */
function pauseMs(count: number): number {
  return 10 * backOffMs(count);
}
