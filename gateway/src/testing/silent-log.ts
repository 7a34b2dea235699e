import { FieldgateError, type LogTopic } from '@fieldgate/contracts';
import type { LogWriter, NewRecord, Settle } from '@fieldgate/commit-log';
import type { MemoryLog } from '@fieldgate/commit-log/testing';

/** A log that takes the records of one topic and keeps silent about them. */
export interface SilentLog extends MemoryLog {
  /** They are written now, and settled. */
  write(): void;
  /** They are not: the log was away. */
  fail(): void;
}

export function silentAbout(log: MemoryLog, topic: LogTopic): SilentLog {
  const held: { record: NewRecord; settle: Settle }[] = [];
  const append: LogWriter['append'] = (record, settle) => {
    if (record.topic !== topic) return log.writer.append(record, settle);
    held.push({ record, settle: settle as Settle }); // it gets its own record back, no other
    return true;
  };
  const writer: LogWriter = { append, drained: (listener) => log.writer.drained(listener) };
  return {
    ...log,
    writer,
    ingest: writer,
    write: () => held.splice(0).forEach(({ record, settle }) => log.writer.append(record, settle)),
    fail: () =>
      held
        .splice(0)
        .forEach(({ record, settle }) => settle(new FieldgateError('log-unavailable'), undefined, record)),
  };
}
