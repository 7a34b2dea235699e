import type { CommitLog, LogWriter } from '@fieldgate/commit-log';
import { FieldgateError } from '@fieldgate/contracts';

/** The same log, which takes no checkpoint of a device while it is told to refuse them. */
export function refusingRowsOf(
  log: CommitLog,
  device: string,
  refusing: { readonly is: boolean; refusals: number },
): CommitLog {
  const writer: LogWriter = {
    append: (record, settle) => {
      const isRow = record.topic === 'fieldgate.alert-checkpoints.v1' && record.key.startsWith(device);
      if (!isRow || !refusing.is) return log.writer.append(record, settle);
      refusing.refusals += 1;
      queueMicrotask(() => settle(new FieldgateError('record-refused', 'too large'), undefined, record));
      return true;
    },
    drained: (listener) => log.writer.drained(listener),
  };
  return {
    reader: log.reader,
    writer,
    ingest: writer,
    spool: () => undefined,
    start: () => log.start(),
    stop: () => log.stop(),
    problem: () => log.problem(),
  };
}
