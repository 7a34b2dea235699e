import { z } from 'zod';
import { ledgerCountersSchema, ledgerReportSchema } from './ledger-report.js';

const count = z.number().int().nonnegative();

/** A record that arrived later than this after its own time is late: a device that was cut off, or one that sends in batches. */
export const LATE_MS = 60_000;
/** Connections of a device that are kept whole; older ones are summed up. */
export const MAX_LEDGER_CONNECTIONS = 20;
/** Connections that are summed up, and of which more may come. */
export const MAX_OPEN_CONNECTIONS = 8;
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
  /** With an id that is among the newest 256 of the device, or that its gateway has written before. */
  duplicates: count,
  /** Those of them that a gateway has written twice, as when an answer of Kafka was lost: no report counts them. */
  rewritten: count.default(0),
  /** See `LATE_MS`. */
  late: count,
  /** The storage group is past them; see `storedRecords`. */
  stored: count,
  /** Refused by the store, or gone from the log before it was stored. */
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
  /** The sequence of the first of its minted ids: a will of it that a later run of its gateway publishes is of another. It was that run alone once. */
  boot: z.string().optional(),
  /** The highest number of its ids in this sequence, by topic: they ascend, and what is not above it is a copy. */
  minted: z.partialRecord(z.enum(LEDGER_TOPICS), count).optional(),
  /** It began before what is counted (`since`): its report is about more records than `log`. */
  isPartial: z.boolean().optional(),
});
export type ConnectionLedger = z.infer<typeof connectionLedgerSchema>;

/** A connection that is summed up, and of which more may come: a last report, or records that its gateway has counted. */
export const openConnectionSchema = z.object({
  connection: z.string(),
  /** Of its records; see `foundRecords`. */
  found: count,
  report: ledgerReportSchema.optional(),
  isPartial: z.boolean().optional(),
});
export type OpenConnection = z.infer<typeof openConnectionSchema>;

/** Of connections that are no longer kept one by one. */
export const earlierLedgerSchema = z.object({
  connections: count,
  /** Without a last report of their gateway. */
  incomplete: count,
  /** Records that were not found of connections that are not open any more. */
  unaccounted: count.default(0),
  /** The oldest first. */
  open: z.array(openConnectionSchema).default([]),
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
  /** Not all records are counted that came before; epoch ms, 0: there were none. */
  since: z.number().default(0),
  /** What is counted, by topic: the records before this offset. */
  next: z.record(z.enum(LEDGER_TOPICS), count),
});
export type DeviceLedger = z.infer<typeof deviceLedgerSchema>;

/** Row `~lane/<partition>`: what is counted of all devices of one partition of the telemetry topic, by `<topic>/<partition>`. */
export const ledgerLaneSchema = z.object({
  kind: z.literal('lane'),
  next: z.record(z.string(), count),
  /** As in the row of a device, for devices that have none yet. */
  since: z.number().default(0),
});
export type LedgerLane = z.infer<typeof ledgerLaneSchema>;

/** Row `~claim/<partition>`: another holds the partition from here on; rows that the one before still writes behind it count as nothing. */
export const ledgerClaimSchema = z.object({ kind: z.literal('claim') });

export const ledgerStateSchema = z.discriminatedUnion('kind', [
  deviceLedgerSchema,
  ledgerLaneSchema,
  ledgerClaimSchema,
]);
export type LedgerState = z.infer<typeof ledgerStateSchema>;
