import type { ConnectionLedger, DeviceLedger, LogCounts, OpenConnection } from './device-ledger.js';
import { sumByCode } from './ledger-sums.js';

/** What the log has of the records that a gateway counts as written: not what it has written twice. */
export function foundRecords({ inLog, rewritten, deadLetters }: LogCounts): number {
  return inLog - rewritten + sumByCode(deadLetters);
}

/**
 * Records that a gateway has counted as durable, and that are not found in the log. A report may be there before the records that it is about:
 * for a moment, or for as long as these wait in a spool. What stays and is more than all spools hold is a loss.
 */
export function unaccountedOf(
  { report, isPartial }: Pick<ConnectionLedger, 'report' | 'isPartial'>,
  found: number,
): number {
  if (report === undefined || isPartial === true) return 0;
  const { acknowledged, unasked, refused } = report.counters;
  const { 'topic-forbidden': _notKept, ...kept } = refused;
  return Math.max(0, acknowledged + unasked + sumByCode(kept) - found);
}

export function unaccountedOfOpen(connection: OpenConnection): number {
  return unaccountedOf(connection, connection.found);
}

type Connections = Pick<DeviceLedger, 'connections' | 'earlier'>;

/** By connection: what one has too few another must not make up for. Of those that are known by their sum alone the name is missing. */
export function* losses({
  connections,
  earlier,
}: Connections): IterableIterator<{ readonly connection: string | undefined; readonly records: number }> {
  if (earlier.unaccounted > 0) yield { connection: undefined, records: earlier.unaccounted };
  for (const open of earlier.open) {
    const records = unaccountedOfOpen(open);
    if (records > 0) yield { connection: open.connection, records };
  }
  for (const each of connections) {
    const records = unaccountedOf(each, foundRecords(each.log));
    if (records > 0) yield { connection: each.connection, records };
  }
}

export function unaccountedRecords(of: Connections): number {
  let sum = 0;
  for (const { records } of losses(of)) sum += records;
  return sum;
}
