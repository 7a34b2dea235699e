import { encodeDeadLetter, type ConsumerGroup, type ErrorCode } from '@fieldgate/contracts';
import { appended, type BatchOutcome, type CommitLog, type LogBatch } from '@fieldgate/commit-log';
import type { Clock, Logger } from '@fieldgate/service';
import { Counter } from 'prom-client';
import { mustBeAlone } from './must-be-alone.js';

const handledTotal = new Counter({
  name: 'fieldgate_processor_records_total',
  help: 'Records that a consumer group has dealt with: handled or refused',
  labelNames: ['group', 'outcome'],
});
const retriesTotal = new Counter({
  name: 'fieldgate_processor_retries_total',
  help: 'Batches of a consumer group that come again because what they need is away',
  labelNames: ['group'],
});

/** What a processor says about the records of a batch, by index; what is not named was handled. */
export interface Refusal {
  readonly index: number;
  readonly code: ErrorCode;
  readonly detail: string;
}

/**
 * The promise of every processor, of ours and of one's own: a failure that may pass (`retriable`) pauses the partition and comes again with back-off, and is never a dead
 * letter; a record that is refused becomes a dead letter alone, durable before the group's offset moves past it, and the rest goes on.
 */
export class DeliverBatch {
  constructor(
    private readonly group: ConsumerGroup,
    private readonly log: CommitLog,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  /** `handle` throws retriable errors when the batch as a whole must come again. */
  async deliver(
    batch: LogBatch,
    handle: (batch: LogBatch) => Promise<readonly Refusal[]>,
  ): Promise<BatchOutcome> {
    let refused: readonly Refusal[];
    try {
      refused = await handle(batch);
      if (refused.length > 0) mustBeAlone(batch.assignment);
      await Promise.all(refused.map((refusal) => this.bury(batch, refusal)));
    } catch (error) {
      retriesTotal.inc({ group: this.group });
      throw error; // the reader knows: retriable comes again, anything else ends the consumption
    }
    handledTotal.inc({ group: this.group, outcome: 'handled' }, batch.records.length - refused.length);
    return { refused, retry: [] };
  }

  private async bury(batch: LogBatch, refusal: Refusal): Promise<void> {
    const record = batch.records[refusal.index];
    if (!record) throw new Error(`${this.group} refused record ${refusal.index} of ${batch.records.length}`);
    const { topic, partition, offset } = record;
    handledTotal.inc({ group: this.group, outcome: 'refused' });
    this.logger.warn({ group: this.group, topic, partition, offset, code: refusal.code }, 'record refused');
    await appended(this.log.writer, {
      topic: 'fieldgate.dead-letters.v1',
      key: record.key,
      value: encodeDeadLetter({
        deviceId: record.key,
        id: `${this.group}-${topic}-${partition}-${offset}`,
        code: refusal.code,
        detail: refusal.detail,
        origin: { kind: 'log', topic, partition, offset, group: this.group },
        payload: (record.value ?? new Uint8Array()).subarray(0, KEPT_BYTES),
        atMs: this.clock.now(),
      }),
    });
  }
}

/** base64 of more would not fit into one record of the log. */
const KEPT_BYTES = 512 * 1024;
