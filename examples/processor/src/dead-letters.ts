import { Inject, Injectable } from '@nestjs/common';
import {
  appended,
  COMMIT_LOG,
  type BatchOutcome,
  type CommitLog,
  type LogBatch,
} from '@fieldgate/commit-log';
import { encodeDeadLetter, type ConsumerGroup } from '@fieldgate/contracts';
import { CLOCK, type Clock } from '@fieldgate/service';

/** What a handler says about a record of its batch, by index; what is not named was handled. */
export type Refusal = BatchOutcome['refused'][number];

/** base64 of more would not fit into one record of the log. */
const KEPT_BYTES = 512 * 1024;

/** Nothing in here needs to be changed for a processor of one's own. */
@Injectable()
export class DeadLetters {
  constructor(
    @Inject(COMMIT_LOG) private readonly log: CommitLog,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The outcome of a batch, given once each refused record is a dead letter that is durable. */
  async keep(group: ConsumerGroup, batch: LogBatch, refused: readonly Refusal[]): Promise<BatchOutcome> {
    await Promise.all(refused.map((refusal) => this.bury(group, batch, refusal)));
    return { refused, retry: [] };
  }

  private async bury(group: ConsumerGroup, batch: LogBatch, refusal: Refusal): Promise<void> {
    const record = batch.records[refusal.index];
    if (!record) throw new Error(`${group} refused record ${refusal.index} of ${batch.records.length}`);
    const { topic, partition, offset, key } = record;
    await appended(this.log.writer, {
      topic: 'fieldgate.dead-letters.v1',
      key,
      value: encodeDeadLetter({
        deviceId: key,
        id: `${group}-${topic}-${partition}-${offset}`, // the same when the batch comes again
        code: refusal.code,
        detail: refusal.detail,
        origin: { kind: 'log', topic, partition, offset, group },
        payload: (record.value ?? new Uint8Array()).subarray(0, KEPT_BYTES),
        atMs: this.clock.now(),
      }),
    });
  }
}
