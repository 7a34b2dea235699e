import { STORAGE_GROUP, type ConsumerGroup } from '@fieldgate/contracts';

/**
 * One processor = one consumer group = one set of offsets. The symbol is the Nest transport that a controller's `@EventPattern` names, so
 * that two groups can listen to the same topic in one process.
 */
export interface ProcessorGroup {
  readonly group: ConsumerGroup;
  readonly transport: symbol;
}

export const STORAGE = {
  group: STORAGE_GROUP,
  transport: Symbol(STORAGE_GROUP),
} as const satisfies ProcessorGroup;
export const PRESENCE = {
  group: 'fieldgate.presence',
  transport: Symbol('fieldgate.presence'),
} as const satisfies ProcessorGroup;
export const COMMAND_DEADLINES = {
  group: 'fieldgate.command-deadlines',
  transport: Symbol('fieldgate.command-deadlines'),
} as const satisfies ProcessorGroup;

export const ALERTS = {
  group: 'fieldgate.alerts',
  transport: Symbol('fieldgate.alerts'),
} as const satisfies ProcessorGroup;

export const LEDGER = {
  group: 'fieldgate.ledger',
  transport: Symbol('fieldgate.ledger'),
} as const satisfies ProcessorGroup;

export const PROCESSOR_GROUPS: readonly ProcessorGroup[] = [
  STORAGE,
  PRESENCE,
  COMMAND_DEADLINES,
  ALERTS,
  LEDGER,
];
