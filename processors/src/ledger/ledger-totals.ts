import {
  missingSeq,
  storedRecords,
  sumByCode,
  unaccountedRecords,
  type LedgerCounters,
  type LogCounts,
} from '@fieldgate/contracts';
import { Gauge } from 'prom-client';
import type { DeviceFold } from './device-fold.js';

const TOTALS = {
  received: 'Records that devices have sent, as gateways have counted them',
  acknowledged: 'Records of QoS 1 and 2 that are in the log, and whose devices were told so',
  refused: 'Records that gateways have refused',
  dropped: 'QoS 0 records that were lost because the log was away',
  in_log: 'Readings and condition events of devices in the log, copies included',
  stored:
    'Records that the storage group is past, and that are neither copies, nor refused by the store, nor gone from the log unstored',
  duplicate:
    'Records with an id that is among the newest 256 of the device, or that its gateway had written before: a longer row that comes again is not known as copies',
  late: 'Records that arrived more than a minute after their own time',
  unaccounted:
    'Records that gateways have counted as durable and that are not found in the log: a loss, when it stays and no spool holds records',
} as const;
type Total = keyof typeof TOTALS;

const totals = Object.fromEntries(
  Object.entries(TOTALS).map(([name, help]) => [
    name,
    new Gauge({ name: `fieldgate_ledger_${name}_records`, help }),
  ]),
) as Record<Total, Gauge>; // of the same names

const missingGauge = new Gauge({
  name: 'fieldgate_ledger_missing_seq',
  help: 'Numbers that devices have counted in seq and that never came',
});

/** Of the devices in the partitions of this process. */
export function showTotals(devices: Iterable<DeviceFold>): void {
  const sums: Record<Total, number> = {
    received: 0,
    acknowledged: 0,
    refused: 0,
    dropped: 0,
    in_log: 0,
    stored: 0,
    duplicate: 0,
    late: 0,
    unaccounted: 0,
  };
  let missing = 0;
  for (const device of devices) {
    const { connections, earlier, others, sequence } = device.ledger();
    missing += missingSeq(sequence);
    for (const log of [...connections.map((each) => each.log), earlier.log, others]) addLog(sums, log);
    for (const counters of [...connections.map(({ report }) => report?.counters), earlier.counters])
      if (counters) addCounters(sums, counters);
    sums.unaccounted += unaccountedRecords({ connections, earlier });
  }
  for (const [name, sum] of Object.entries(sums) as [Total, number][]) totals[name].set(sum); // the keys of the record
  missingGauge.set(missing);
}

function addLog(sums: Record<Total, number>, log: LogCounts): void {
  const { inLog, duplicates, late } = log;
  sums.in_log += inLog;
  sums.stored += storedRecords(log);
  sums.duplicate += duplicates;
  sums.late += late;
}

function addCounters(sums: Record<Total, number>, counters: LedgerCounters): void {
  sums.received += counters.received;
  sums.acknowledged += counters.acknowledged;
  sums.refused += sumByCode(counters.refused);
  sums.dropped += counters.dropped;
}
