import { z } from 'zod';
import { ledgerCountersSchema, ledgerReportSchema, type LedgerCounters } from './ledger-report.js';

const count = z.number().int().nonnegative();

/** A record that arrived later than this after its own time is late: a device that was cut off, or one that sends in batches. */
export const LATE_MS = 60_000;
/** Connections of a device that are kept whole; older ones are summed up. */
export const MAX_LEDGER_CONNECTIONS = 20;
/** Gaps in `seq` that are kept with their ends; older ones are counted only. */
export const MAX_LEDGER_GAPS = 32;

/** What of the log is counted. */
export const LEDGER_TOPICS = [
  'fieldgate.telemetry.v1',
  'fieldgate.events.v1',
  'fieldgate.dead-letters.v1',
  'fieldgate.ledger.v1',
] as const;
export type LedgerTopic = (typeof LEDGER_TOPICS)[number];
export type StoredTopic = 'fieldgate.telemetry.v1' | 'fieldgate.events.v1';

/** Records up to an offset that are in the store once the storage group has passed it. */
const waitingSchema = z.object({
  topic: z.enum(['fieldgate.telemetry.v1', 'fieldgate.events.v1']),
  offset: count,
  records: count,
});
export type WaitingForStore = z.infer<typeof waitingSchema>;

/** What is counted in the log and in the store. */
export const logCountsSchema = z.object({
  /** Readings and condition events, copies included. */
  inLog: count,
  /** With an id that the device has sent shortly before. */
  duplicates: count,
  /** See `LATE_MS`. */
  late: count,
  /** The storage group is past them; see `storedRecords`. */
  stored: count,
  /** Refused by the store. */
  notStored: count,
  /** What gateways have refused, by error code. */
  deadLetters: z.record(z.string(), count),
  waiting: z.array(waitingSchema),
});
export type LogCounts = z.infer<typeof logCountsSchema>;

export const connectionLedgerSchema = z.object({
  connection: z.string(),
  /** Of its first and its newest record; epoch ms. */
  firstAt: z.number(),
  lastAt: z.number(),
  log: logCountsSchema,
  /** The newest of its gateway; none: none has come yet, or its gateway has died within the first minute. */
  report: ledgerReportSchema.optional(),
});
export type ConnectionLedger = z.infer<typeof connectionLedgerSchema>;

/** Of connections that are no longer kept one by one. */
export const earlierLedgerSchema = z.object({
  connections: count,
  /** Without a last report of their gateway. */
  incomplete: count,
  log: logCountsSchema,
  counters: ledgerCountersSchema,
});
export type EarlierLedger = z.infer<typeof earlierLedgerSchema>;

/** A gap: both numbers are missing, and all between them. */
export const sequenceGapSchema = z.object({ from: count, to: count });
export type SequenceGap = z.infer<typeof sequenceGapSchema>;

export const sequenceLedgerSchema = z.object({
  /** How often the device has begun to count anew. */
  restarts: count,
  /** Of the run of numbers that goes on now; undefined: the device has sent none. */
  run: z.object({ first: count, last: count, lastTimeMs: z.number() }).optional(),
  /** Ascending, of this run; a late record makes them smaller. */
  gaps: z.array(sequenceGapSchema),
  /** Of earlier runs, the newest last. */
  closed: z.array(sequenceGapSchema),
  /** Numbers in gaps that are no longer kept. */
  unlisted: count,
});
export type SequenceLedger = z.infer<typeof sequenceLedgerSchema>;

/** `data` of a row of `fieldgate.ledger-states.v1`; the key is the device. */
export const deviceLedgerSchema = z.object({
  kind: z.literal('device'),
  deviceId: z.string(),
  connections: z.array(connectionLedgerSchema),
  earlier: earlierLedgerSchema,
  /** Records of nobody's connection: those that an operator sent on again, and those of gateways before they named it. */
  others: logCountsSchema,
  sequence: sequenceLedgerSchema,
  /** Of the newest ids: 48 bits of a hash of each, base64. */
  ids: z.string(),
  /** What is counted, by topic: the records before this offset. */
  next: z.record(z.enum(LEDGER_TOPICS), count),
});
export type DeviceLedger = z.infer<typeof deviceLedgerSchema>;

/** Row `~lane/<partition>`: what is counted of all devices of one partition of the telemetry topic, by `<topic>/<partition>`. */
export const ledgerLaneSchema = z.object({ kind: z.literal('lane'), next: z.record(z.string(), count) });
export type LedgerLane = z.infer<typeof ledgerLaneSchema>;

export const ledgerStateSchema = z.discriminatedUnion('kind', [deviceLedgerSchema, ledgerLaneSchema]);
export type LedgerState = z.infer<typeof ledgerStateSchema>;

/** In the store: what the storage group is past, without what it has refused. That may be told before it is past it, and twice. */
export function storedRecords({ stored, notStored }: Pick<LogCounts, 'stored' | 'notStored'>): number {
  return Math.max(0, stored - notStored);
}

/** Numbers that a device has counted and that never came. */
export function missingSeq({ gaps, closed, unlisted }: SequenceLedger): number {
  return [...gaps, ...closed].reduce((sum, { from, to }) => sum + to - from + 1, unlisted);
}

/**
 * Records that gateways say are in the log, and that are not found in it. By connection: what one has too few another must not make up for. For a
 * moment there may be some, since a report may be read before the records that it is about; what stays is a loss.
 */
export function unaccountedRecords({
  connections,
  earlier,
}: Pick<DeviceLedger, 'connections' | 'earlier'>): number {
  const each = connections.map(({ report, log }) => (report ? notFound(report.counters, log) : 0));
  return each.reduce((sum, missing) => sum + missing, notFound(earlier.counters, earlier.log));
}

function notFound(
  { acknowledged, unasked, refused }: LedgerCounters,
  { inLog, deadLetters }: LogCounts,
): number {
  const { 'topic-forbidden': _notKept, ...kept } = refused;
  const written = acknowledged + unasked + sumByCode(kept);
  return Math.max(0, written - inLog - sumByCode(deadLetters));
}

export function sumByCode(records: Readonly<Record<string, number>>): number {
  return Object.values(records).reduce((sum, count) => sum + count, 0);
}
