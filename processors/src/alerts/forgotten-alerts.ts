import { alertStateRowSchema, tableRows, type Alert } from '@fieldgate/contracts';
import type { LogReader, LogRecord } from '@fieldgate/commit-log';
import type { SourcePartition } from './alert-source.js';
import { partitionsBeside } from './partitions-beside.js';

const TOPIC = 'fieldgate.alert-states.v1';
const readRow = tableRows(TOPIC, alertStateRowSchema);

/** Alerts that are open for everyone to see, of devices of this partition that are `gone`: no reading of theirs will ever end them. */
export async function forgottenAlerts(
  reader: LogReader,
  source: SourcePartition,
  isGone: (deviceId: string) => boolean,
): Promise<Alert[]> {
  const newest = new Map<string, LogRecord>();
  for (const { partition, earliest, end } of await partitionsBeside(reader, TOPIC, source)) {
    for await (const record of reader.read(TOPIC, { partition, from: earliest, to: end }))
      newest.set(record.key, record);
  }
  const forgotten: Alert[] = [];
  for (const { value } of newest.values()) {
    const row = value ? readRow(value) : undefined;
    if (row?.kind !== 'open') continue;
    const { alert } = row;
    const isOfSource = (source.source === 'events') === (alert.event !== undefined);
    const isHere = reader.partitionOf(source.topic, alert.deviceId) === source.partition;
    if (isOfSource && isHere && isGone(alert.deviceId)) forgotten.push(alert);
  }
  return forgotten;
}
