import type { LogTopic } from '@fieldgate/contracts';

/** What an engine reads: the two have no rule in common. */
export type AlertSource = 'telemetry' | 'events';

export interface SourcePartition {
  readonly source: AlertSource;
  readonly topic: LogTopic;
  readonly partition: number;
}

export function sourceOf(topic: LogTopic): AlertSource {
  return topic === 'fieldgate.events.v1' ? 'events' : 'telemetry';
}
