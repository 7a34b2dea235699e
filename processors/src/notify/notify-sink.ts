import type { ConsumerGroup } from '@fieldgate/contracts';
import {
  GroupLag,
  type BatchOutcome,
  type CommitLog,
  type Consumption,
  type LogBatch,
} from '@fieldgate/commit-log';
import { pause, RepeatedLines, type Logger } from '@fieldgate/service';
import { DeliverBatch, type Refusal } from '../delivery/deliver-batch.js';
import { notificationRetriesTotal, notificationsTotal } from './notification-counters.js';
import { PartitionNotifications, type Passage, type SinkParts } from './partition-notifications.js';

/** No call begins later in a batch: together with its 10 s that is less than a group's session has patience for. */
const BATCH_MS = 4_000;
/** How long the calls in hand may take when the sink stops; then they are broken off, and come again. */
const GRACE_MS = 1_500;

export interface NotifySinkParts extends SinkParts {
  readonly log: CommitLog;
  readonly logger: Logger;
  readonly failed: (error: unknown) => void;
}

/** One sink = one consumer group of the alerts: it waits for its receiver alone, and knows after a restart where it was. */
export class NotifySink {
  private readonly group: ConsumerGroup;
  private readonly delivery: DeliverBatch;
  private readonly lines: RepeatedLines;
  private readonly partitions = new Map<number, PartitionNotifications>();
  private readonly breakOff = new AbortController();
  private consuming: Promise<Consumption> | undefined;
  private lag: GroupLag | undefined;

  constructor(private readonly parts: NotifySinkParts) {
    const { settings, log, clock, logger, monotonic } = parts;
    this.group = `fieldgate.notify.${settings.name}`;
    this.delivery = new DeliverBatch(this.group, log, clock, logger);
    this.lines = new RepeatedLines(logger, monotonic);
  }

  async start(): Promise<void> {
    const { log, failed } = this.parts;
    this.consuming = log.reader.consume(
      this.group,
      ['fieldgate.alerts.v1'],
      (batch) => this.handle(batch),
      failed,
    );
    this.lag = new GroupLag(log.reader, this.group, ['fieldgate.alerts.v1']);
    this.lag.start();
    await this.consuming;
  }

  async stop(): Promise<void> {
    this.lag?.stop();
    const consumption = await this.consuming;
    const stopped = new AbortController();
    const stopping = consumption?.stop().finally(() => stopped.abort());
    await pause(GRACE_MS, stopped.signal);
    this.breakOff.abort();
    await stopping;
    this.parts.sender.close();
  }

  private async handle(batch: LogBatch): Promise<BatchOutcome> {
    const partition = await this.partitionOf(batch);
    partition.forgetBefore(batch.from);
    const { refusals, next } = await this.passThrough(batch, partition);
    const passed = { ...batch, records: batch.records.slice(0, next) };
    const { refused } = await this.delivery.deliver(passed, () => Promise.resolve(refusals));
    return { refused, retry: next < batch.records.length ? [next] : [] };
  }

  /** In the order of the log, up to the first that comes again. */
  private async passThrough(
    batch: LogBatch,
    partition: PartitionNotifications,
  ): Promise<{ refusals: readonly Refusal[]; next: number }> {
    const refusals: Refusal[] = [];
    const beganMs = this.parts.monotonic.now();
    for (const [index, record] of batch.records.entries()) {
      const isOver = this.parts.monotonic.now() - beganMs > BATCH_MS || !batch.assignment.isHeld();
      if (isOver || this.breakOff.signal.aborted) return { refusals, next: index };
      const known = partition.isPassed(record.offset);
      const passage = await partition.pass(record, this.breakOff.signal);
      if (!known) this.tell(passage);
      if (passage.kind === 'again') return { refusals, next: index };
      if ('refusal' in passage) refusals.push({ index, ...this.named(passage.refusal) });
    }
    return { refusals, next: batch.records.length };
  }

  private async partitionOf(batch: LogBatch): Promise<PartitionNotifications> {
    const known = this.partitions.get(batch.partition);
    if (known?.assignment === batch.assignment) return known;
    const partition = await PartitionNotifications.before(batch, this.parts.log.reader, this.parts);
    this.partitions.set(batch.partition, partition);
    return partition;
  }

  /** In a list of dead letters the detail alone says whom to mend. */
  private named({ code, detail }: Omit<Refusal, 'index'>): Omit<Refusal, 'index'> {
    return { code, detail: `${this.parts.settings.name}: ${detail}` };
  }

  private tell(passage: Passage): void {
    const sink = this.parts.settings.name;
    if (passage.kind === 'again') {
      if (passage.detail === undefined || this.breakOff.signal.aborted) return; // not time yet, or broken off by us
      notificationRetriesTotal.inc({ sink });
      this.lines.log('warn', 'again', { sink, detail: passage.detail }, 'notification not sent yet');
      return;
    }
    notificationsTotal.inc({ sink, outcome: passage.outcome });
    if ('refusal' in passage) {
      const { code, detail } = passage.refusal;
      this.lines.log('warn', code, { sink, code, detail }, 'notification given up');
    } else if (passage.detail !== undefined)
      this.lines.log('warn', 'part', { sink, detail: passage.detail }, 'notification sent to some only');
  }
}
