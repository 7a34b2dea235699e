import type { CommitLog } from '@fieldgate/commit-log';

/** While the log is away and no spool takes its place: nothing that is appended can become durable. */
export function takesNothing(log: CommitLog): boolean {
  const spool = log.spool();
  return log.problem() !== undefined && (spool === undefined || spool.full !== undefined);
}
