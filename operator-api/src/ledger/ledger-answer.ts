import {
  ledgerCountersSchema,
  logCountsSchema,
  missingSeq,
  sequenceGapSchema,
  storedRecords,
  unaccountedRecords,
  type ConnectionLedger,
  type DeviceLedger,
  type LedgerCounters,
  type LogCounts,
} from '@fieldgate/contracts';
import { z } from 'zod';

const time = z.iso.datetime();
const count = z.number().int();

const logAnswerSchema = logCountsSchema.omit({ waiting: true }).extend({
  waiting: count.describe('In the log, and not in the store yet'),
});

const connectionAnswerSchema = z.object({
  connection: z.string(),
  counters: z
    .enum(['current', 'final', 'incomplete'])
    .describe('incomplete: its gateway died; what came after `countedUntil` is known from the log alone'),
  gateway: z.string().optional(),
  from: time,
  countedUntil: time.optional().describe('Up to when its gateway has counted; none: no report has come'),
  reason: z.string().optional().describe('Why it has ended'),
  sent: ledgerCountersSchema.optional(),
  log: logAnswerSchema,
});
export type ConnectionAnswer = z.infer<typeof connectionAnswerSchema>;

export const ledgerAnswerSchema = z.object({
  deviceId: z.string(),
  totals: z.object({ sent: ledgerCountersSchema, log: logAnswerSchema }),
  unaccounted: count.describe(
    'In the log by the count of gateways, and not found there: a loss, when it stays',
  ),
  seq: z.object({
    first: count.optional(),
    last: count.optional(),
    restarts: count,
    missing: count,
    gaps: z.array(sequenceGapSchema).describe('The newest; `missing` counts all'),
  }),
  connections: z.array(connectionAnswerSchema).describe('The newest first'),
  earlier: z.object({
    connections: count,
    incomplete: count,
    sent: ledgerCountersSchema,
    log: logAnswerSchema,
  }),
  others: logAnswerSchema.describe(
    'Records that name no connection: sent on again by an operator, or of before',
  ),
});
export type LedgerAnswer = z.infer<typeof ledgerAnswerSchema>;

/** `live`: the connection that the device has now, if any. */
export function ledgerAnswer(ledger: DeviceLedger, live: string | undefined): LedgerAnswer {
  const { deviceId, connections, earlier, others, sequence } = ledger;
  const { run, restarts, closed, gaps } = sequence;
  const counters = connections.flatMap(({ report }) => report?.counters ?? []);
  const logs = connections.map(({ log }) => log);
  return {
    deviceId,
    totals: {
      sent: counters.reduce(sumOfCounters, earlier.counters),
      log: logAnswer(logs.reduce(sumOfLogs, sumOfLogs(earlier.log, others))),
    },
    unaccounted: unaccountedRecords(ledger),
    seq: {
      ...(run === undefined ? {} : { first: run.first, last: run.last }),
      restarts,
      missing: missingSeq(sequence),
      gaps: [...closed, ...gaps],
    },
    connections: connections
      .toSorted((a, b) => b.firstAt - a.firstAt)
      .map((each) => connectionAnswer(each, each.connection === live)),
    earlier: {
      connections: earlier.connections,
      incomplete: earlier.incomplete,
      sent: earlier.counters,
      log: logAnswer(earlier.log),
    },
    others: logAnswer(others),
  };
}

export function noLedger(deviceId: string): DeviceLedger {
  const none = {
    messages: 0,
    received: 0,
    acknowledged: 0,
    unanswered: 0,
    unasked: 0,
    dropped: 0,
    answers: 0,
  };
  const log: LogCounts = {
    inLog: 0,
    duplicates: 0,
    late: 0,
    stored: 0,
    notStored: 0,
    deadLetters: {},
    waiting: [],
  };
  return {
    kind: 'device',
    deviceId,
    connections: [],
    earlier: { connections: 0, incomplete: 0, log, counters: { ...none, refused: {} } },
    others: log,
    sequence: { restarts: 0, gaps: [], closed: [], unlisted: 0 },
    ids: '',
    next: {
      'fieldgate.telemetry.v1': 0,
      'fieldgate.events.v1': 0,
      'fieldgate.dead-letters.v1': 0,
      'fieldgate.ledger.v1': 0,
    },
  };
}

function connectionAnswer(
  { connection, report, firstAt, log }: ConnectionLedger,
  isLive: boolean,
): ConnectionAnswer {
  const counters = report?.final === true ? 'final' : isLive ? 'current' : 'incomplete';
  return {
    connection,
    counters,
    ...(report === undefined ? {} : { gateway: report.gateway }),
    from: new Date(report?.from ?? firstAt).toISOString(),
    ...(report === undefined ? {} : { countedUntil: new Date(report.to).toISOString() }),
    ...(report?.reason === undefined ? {} : { reason: report.reason }),
    ...(report === undefined ? {} : { sent: report.counters }),
    log: logAnswer(log),
  };
}

function logAnswer({ waiting, ...counts }: LogCounts): z.infer<typeof logAnswerSchema> {
  return {
    ...counts,
    stored: storedRecords(counts),
    waiting: waiting.reduce((sum, { records }) => sum + records, 0),
  };
}

function sumOfCounters(one: LedgerCounters, two: LedgerCounters): LedgerCounters {
  return {
    messages: one.messages + two.messages,
    received: one.received + two.received,
    acknowledged: one.acknowledged + two.acknowledged,
    unanswered: one.unanswered + two.unanswered,
    unasked: one.unasked + two.unasked,
    dropped: one.dropped + two.dropped,
    answers: one.answers + two.answers,
    refused: sumOfCodes(one.refused, two.refused),
  };
}

function sumOfLogs(one: LogCounts, two: LogCounts): LogCounts {
  return {
    inLog: one.inLog + two.inLog,
    duplicates: one.duplicates + two.duplicates,
    late: one.late + two.late,
    stored: one.stored + two.stored,
    notStored: one.notStored + two.notStored,
    deadLetters: sumOfCodes(one.deadLetters, two.deadLetters),
    waiting: [...one.waiting, ...two.waiting],
  };
}

function sumOfCodes(
  one: Readonly<Record<string, number>>,
  two: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum: Record<string, number> = { ...one };
  for (const [code, records] of Object.entries(two)) sum[code] = (sum[code] ?? 0) + records;
  return sum;
}
