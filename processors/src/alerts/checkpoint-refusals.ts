import { FieldgateError } from '@fieldgate/contracts';
import type { Logger } from '@fieldgate/service';
import { Counter } from 'prom-client';
import type { SourcePartition } from './alert-source.js';

const refusedTotal = new Counter({
  name: 'fieldgate_alerts_checkpoints_refused_total',
  help: 'Tries to write down what the alert rules remember that the log has refused for good',
});

/** Rows have any size, so a log that refuses one takes smaller records than Fieldgate needs. Said once, until it takes a whole checkpoint. */
export class CheckpointRefusals {
  private isSaid = false;

  constructor(
    private readonly source: SourcePartition,
    private readonly logger: Logger,
  ) {}

  async isRefused(write: () => Promise<void>): Promise<boolean> {
    try {
      await write();
      return false;
    } catch (error) {
      if (!(error instanceof FieldgateError) || error.code !== 'record-refused') throw error;
      refusedTotal.inc();
      const { topic, partition } = this.source;
      if (!this.isSaid)
        this.logger.error({ topic, partition, reason: error.message }, 'alert checkpoint refused by the log');
      this.isSaid = true;
      return true;
    }
  }

  isOver(): void {
    if (!this.isSaid) return;
    this.isSaid = false;
    const { topic, partition } = this.source;
    this.logger.info({ topic, partition }, 'alert checkpoint written again');
  }
}
