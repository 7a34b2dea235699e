import { FieldgateError, type ConsumerGroup, type LogTopic } from '@fieldgate/contracts';
import { Gauge } from 'prom-client';
import type { LogReader } from '../log-reader.js';

const lag = new Gauge({
  name: 'fieldgate_consumer_group_lag_records',
  help: 'Records in the log that a consumer group has not passed yet',
  labelNames: ['group', 'topic'],
  collect: async () => {
    await Promise.all([...watched].map((watch) => watch.read()));
  },
});
const watched = new Set<GroupLag>();

/** How far a group is behind the end of the log, asked when somebody reads the metrics. While the log is away the last number stays. */
export class GroupLag {
  private readonly last: Partial<Record<LogTopic, number>> = {};

  constructor(
    private readonly reader: LogReader,
    private readonly group: ConsumerGroup,
    private readonly topics: readonly LogTopic[],
  ) {}

  start(): void {
    watched.add(this);
  }

  stop(): void {
    watched.delete(this);
  }

  async read(): Promise<void> {
    const { group } = this;
    await Promise.all(this.topics.map(async (topic) => lag.set({ group, topic }, await this.of(topic))));
  }

  private async of(topic: LogTopic): Promise<number> {
    try {
      return (this.last[topic] = await this.reader.lag(this.group, topic));
    } catch (error) {
      if (error instanceof FieldgateError && error.retriable) return this.last[topic] ?? 0; // /readyz tells of the outage
      throw error;
    }
  }
}
