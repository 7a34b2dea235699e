import { z } from 'zod';
import { counted, printable, tableOf } from './table.js';

const count = z.number();
const codes = z.record(z.string(), count);
const sentSchema = z.looseObject({ acknowledged: count, unanswered: count, dropped: count, refused: codes });
const logSchema = z.looseObject({
  inLog: count,
  duplicates: count,
  late: count,
  stored: count,
  notStored: count,
  waiting: count,
});
export const deviceLedgerSchema = z.looseObject({
  deviceId: z.string(),
  totals: z.looseObject({ sent: sentSchema, log: logSchema }),
  unaccounted: count,
  seq: z.looseObject({
    restarts: count,
    missing: count,
    gaps: z.array(z.looseObject({ from: count, to: count })),
  }),
  connections: z.array(
    z.looseObject({ counters: z.string(), from: z.string(), sent: sentSchema.optional(), log: logSchema }),
  ),
  earlier: z.looseObject({ connections: count, sent: sentSchema, log: logSchema }),
});
type DeviceLedger = z.output<typeof deviceLedgerSchema>;
type Sent = z.output<typeof sentSchema>;
type Log = z.output<typeof logSchema>;

const HEADS = [
  'CONNECTION FROM',
  'COUNTERS',
  'ACKNOWLEDGED',
  'REFUSED',
  'DROPPED',
  'IN LOG',
  'STORED',
  'NOT STORED',
  'WAITING',
  'DUPLICATES',
  'LATE',
];

/** What became of everything that a device has sent: a line per connection, the sums, and what is wrong. */
export function ledgerLines({ totals, connections, earlier, unaccounted, seq }: DeviceLedger): string {
  const rows = connections.map(({ from, counters, sent, log }) => [from, counters, ...countsOf(sent, log)]);
  if (earlier.connections > 0)
    rows.push(['earlier', String(earlier.connections), ...countsOf(earlier.sent, earlier.log)]);
  rows.push(['all', '', ...countsOf(totals.sent, totals.log)]);
  const refused = Object.entries(totals.sent.refused).map(([code, records]) => `${code} ${records}`);
  return [
    tableOf(HEADS, rows),
    ...(refused.length === 0 ? [] : [`refused: ${printable(refused.join(', '))}`]),
    gapsOf(seq),
    ...(unaccounted === 0
      ? []
      : [`${counted(unaccounted, 'record')} acknowledged and not found in the log: a loss, when it stays`]),
  ].join('\n');
}

function countsOf(sent: Sent | undefined, log: Log): (number | undefined)[] {
  const refused = sent && Object.values(sent.refused).reduce((sum, records) => sum + records, 0);
  const { inLog, stored, notStored, waiting, duplicates, late } = log;
  return [sent?.acknowledged, refused, sent?.dropped, inLog, stored, notStored, waiting, duplicates, late];
}

function gapsOf({ missing, gaps, restarts }: DeviceLedger['seq']): string {
  const anew = restarts === 0 ? '' : `; counted anew ${counted(restarts, 'time')}`;
  if (missing === 0) return `seq: nothing is missing${anew}`;
  const ranges = gaps.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`));
  return `seq: ${missing} missing: ${ranges.join(', ')}${anew}`;
}
