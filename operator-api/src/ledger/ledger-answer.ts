import {
  foundRecords,
  ledgerCountersSchema,
  logCountsSchema,
  missingSeq,
  sequenceGapSchema,
  storedRecords,
  sumOfCounters,
  sumOfLogs,
  unaccountedOf,
  unaccountedRecords,
  type ConnectionLedger,
  type DeviceLedger,
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
  unaccounted: count.describe(
    '0 for one that began before the ledger did: `sent` is of more records than `log`',
  ),
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
    unaccounted: count.describe('Of each by itself, as when it was summed up, less what came later'),
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
      unaccounted: unaccountedRecords({ connections: [], earlier }),
    },
    others: logAnswer(others),
  };
}

function connectionAnswer(ledger: ConnectionLedger, isLive: boolean): ConnectionAnswer {
  const { connection, report, firstAt, log } = ledger;
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
    unaccounted: unaccountedOf(ledger, foundRecords(log)),
  };
}

function logAnswer({ waiting, ...counts }: LogCounts): z.infer<typeof logAnswerSchema> {
  return {
    ...counts,
    stored: storedRecords(counts),
    waiting: waiting.reduce((sum, { records }) => sum + records, 0),
  };
}
