import { sumByCode } from '@fieldgate/contracts';
import { z } from 'zod';
import { counted, printable, tableOf, type Cell } from './table.js';

const count = z.number();
const codes = z.record(z.string(), count);
const sentSchema = z.looseObject({
  received: count,
  acknowledged: count,
  unanswered: count,
  unasked: count,
  dropped: count,
  answers: count,
  refused: codes,
});
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
  others: logSchema,
});
type DeviceLedger = z.output<typeof deviceLedgerSchema>;
type Sent = z.output<typeof sentSchema>;
type Log = z.output<typeof logSchema>;

/** RECEIVED is the sum of those up to REFUSED, and IN LOG of those up to DUPLICATES. */
const HEADS = [
  'RECEIVED',
  'ACKNOWLEDGED',
  'UNANSWERED',
  'QOS 0',
  'DROPPED',
  'ANSWERS',
  'REFUSED',
  'IN LOG',
  'STORED',
  'NOT STORED',
  'WAITING',
  'DUPLICATES',
  'LATE',
];
/** The others are left out where they are 0 in all lines: together they are wider than a screen. */
const ALWAYS = new Set(['RECEIVED', 'ACKNOWLEDGED', 'IN LOG', 'STORED']);

/** What became of everything that a device has sent: a line per connection, the sums, and what is wrong. */
export function ledgerLines(ledger: DeviceLedger): string {
  const { deviceId, totals, connections, earlier, others, unaccounted, seq } = ledger;
  const rows = connections.map(({ from, counters, sent, log }) => rowOf(from, counters, sent, log));
  if (rows.length === 0 && earlier.connections === 0 && others.inLog === 0)
    return `nothing of ${deviceId} has been counted: it has sent nothing, or only seconds ago`;
  if (earlier.connections > 0)
    rows.push(rowOf('earlier', counted(earlier.connections, 'connection'), earlier.sent, earlier.log));
  if (others.inLog > 0) rows.push(rowOf('no connection', '', undefined, others));
  rows.push(rowOf('all', '', totals.sent, totals.log));
  const heads = HEADS.filter(
    (head) => ALWAYS.has(head) || rows.some(({ counts }) => (counts.get(head) ?? 0) !== 0),
  );
  const refused = Object.entries(totals.sent.refused).map(([code, records]) => `${code} ${records}`);
  return [
    tableOf(
      ['CONNECTION FROM', 'COUNTERS'].concat(heads),
      rows.map((row) => cellsOf(row, heads)),
    ),
    ...(refused.length === 0 ? [] : [`refused: ${printable(refused.join(', '))}`]),
    gapsOf(seq),
    ...(unaccounted === 0
      ? []
      : [`${counted(unaccounted, 'record')} acknowledged and not found in the log: a loss, when it stays`]),
  ].join('\n');
}

interface Row {
  readonly from: string;
  readonly counters: string;
  readonly counts: ReadonlyMap<string, number | undefined>;
}

function rowOf(from: string, counters: string, sent: Sent | undefined, log: Log): Row {
  const refused = sent && sumByCode(sent.refused);
  const gateway = [
    sent?.received,
    sent?.acknowledged,
    sent?.unanswered,
    sent?.unasked,
    sent?.dropped,
    sent?.answers,
    refused,
  ];
  const { inLog, stored, notStored, waiting, duplicates, late } = log;
  const numbers = gateway.concat([inLog, stored, notStored, waiting, duplicates, late]);
  return { from, counters, counts: new Map(HEADS.map((head, at) => [head, numbers[at]])) };
}

function cellsOf({ from, counters, counts }: Row, heads: readonly string[]): Cell[] {
  const cells: Cell[] = [from, counters];
  return cells.concat(heads.map((head) => counts.get(head)));
}

function gapsOf({ missing, gaps, restarts }: DeviceLedger['seq']): string {
  const anew = restarts === 0 ? '' : `; counted anew ${counted(restarts, 'time')}`;
  if (missing === 0) return `seq: nothing is missing${anew}`;
  const ranges = gaps.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`));
  return `seq: ${missing} missing: ${ranges.join(', ')}${anew}`;
}
