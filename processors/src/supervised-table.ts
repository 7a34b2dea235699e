import { tableRows, type TableTopic } from '@fieldgate/contracts';
import { LogTable, type CommitLog } from '@fieldgate/commit-log';
import type { Logger, Supervisor } from '@fieldgate/service';
import type { z } from 'zod';

/** A table that a group looks things up in: a record that is not understood is left out and said, and when the table fails the process ends. */
export function supervisedTable<T>(
  topic: TableTopic,
  schema: z.ZodType<T>,
  parts: {
    readonly log: CommitLog;
    readonly task: string;
    readonly supervisor: Supervisor;
    readonly logger: Logger;
  },
): LogTable<T> {
  const { log, task, supervisor, logger } = parts;
  return new LogTable(log.reader, topic, tableRows(topic, schema), {
    failed: (error) => supervisor.fail(task, error),
    unreadable: ({ partition, offset }) =>
      logger.warn({ topic, partition, offset, code: 'record-unreadable' }, 'record skipped'),
  });
}
