import { LOG_TOPICS, type ConsumerGroup, type LogTopic } from '@fieldgate/contracts';
import type { Logger } from '@fieldgate/service';
import { Counter } from 'prom-client';

const expiredRecords = new Counter({
  name: 'fieldgate_consumer_group_expired_records_total',
  help: 'Records that went from the log before the group had passed them',
  labelNames: ['group', 'topic'] as const,
});

/** Where a group would go on, and the first record that is still there. */
export interface ExpiredRange {
  readonly group: ConsumerGroup;
  readonly topic: LogTopic;
  readonly partition: number;
  readonly from: number;
  readonly earliest: number;
}

/** Counts what a group has missed, and says it. Of a topic that is compacted nothing is missed: its newest records stay. */
export function reportExpired(logger: Logger, range: ExpiredRange): void {
  const { group, topic, from, earliest } = range;
  if (LOG_TOPICS[topic].cleanup === 'compact') return;
  expiredRecords.inc({ group, topic }, earliest - from);
  logger.warn(range, 'records expired before the group had read them');
}
