/** The topics of the log: names, what a key is, how long records stay. The names are also the patterns of NestJS handlers. */
export interface LogTopicSettings {
  /** `compact`: the newest record per key stays, a tombstone removes it. `delete`: records go after `retentionMs`. */
  readonly cleanup: 'delete' | 'compact';
  /** Milliseconds; ignored for `compact`. */
  readonly retentionMs: number;
  /** For a new topic. The count of a keyed topic never changes afterwards: a device would move to another partition. */
  readonly partitions: number;
}

const DAY_MS = 86_400_000;

export const LOG_TOPICS = {
  'fieldgate.telemetry.v1': { cleanup: 'delete', retentionMs: 7 * DAY_MS, partitions: 8 },
  'fieldgate.events.v1': { cleanup: 'delete', retentionMs: 30 * DAY_MS, partitions: 8 },
  'fieldgate.alerts.v1': { cleanup: 'delete', retentionMs: 30 * DAY_MS, partitions: 8 },
  'fieldgate.alert-states.v1': { cleanup: 'compact', retentionMs: 0, partitions: 8 },
  'fieldgate.alert-checkpoints.v1': { cleanup: 'compact', retentionMs: 0, partitions: 8 },
  'fieldgate.commands.v1': { cleanup: 'delete', retentionMs: 7 * DAY_MS, partitions: 8 },
  'fieldgate.devices.v1': { cleanup: 'compact', retentionMs: 0, partitions: 8 },
  'fieldgate.sessions.v1': { cleanup: 'compact', retentionMs: 0, partitions: 8 },
  'fieldgate.gateways.v1': { cleanup: 'compact', retentionMs: 0, partitions: 1 },
  'fieldgate.dead-letters.v1': { cleanup: 'delete', retentionMs: 30 * DAY_MS, partitions: 8 },
  'fieldgate.ledger.v1': { cleanup: 'delete', retentionMs: 30 * DAY_MS, partitions: 8 },
  'fieldgate.ledger-states.v1': { cleanup: 'compact', retentionMs: 0, partitions: 8 },
} as const satisfies Record<string, LogTopicSettings>;

export type LogTopic = keyof typeof LOG_TOPICS;

export function isLogTopic(name: string): name is LogTopic {
  return Object.hasOwn(LOG_TOPICS, name);
}

/** Each group has its own offsets: adding one disturbs no other. */
export type ConsumerGroup = `fieldgate.${string}`;

/** The group that fills the telemetry store. */
export const STORAGE_GROUP = 'fieldgate.storage' satisfies ConsumerGroup;
/** Records filed under their arrival that it remembers per partition: nothing else can tell that a device has sent one of these again. */
export const STORAGE_WINDOW = 200_000;
