import { FieldgateError } from '@fieldgate/contracts';
import {
  appended,
  COMMIT_LOG,
  type CommitLog,
  type LogPosition,
  type NewRecord,
} from '@fieldgate/commit-log';
import { Inject, Injectable } from '@nestjs/common';
import { Problem } from './http/problem.js';

/** Longer than a log needs for the change of a leader; shorter than what HTTP clients wait for. */
const ANSWERED_WITHIN_MS = 15_000;
/** Ten of the largest requests; what the log has not answered yet is kept in memory. */
const MAX_WAITING = 10_000;

/** Appends of the API: bounded in number and in time, and read back before the caller hears of them. */
@Injectable()
export class DurableAppend {
  private waiting = 0;

  constructor(@Inject(COMMIT_LOG) private readonly log: CommitLog) {}

  /** Durable, and `readBack` has seen the record: what it says. Else `log-unavailable`; after a timeout the outcome is unknown. */
  async append<T>(record: NewRecord, readBack: (at: LogPosition) => Promise<T>): Promise<T> {
    const problem = this.log.problem();
    if (problem !== undefined) throw new FieldgateError('log-unavailable', problem);
    if (this.waiting >= MAX_WAITING)
      throw new Problem('too-many-requests', `${MAX_WAITING} changes wait for the log already`);
    return inTime(this.appendAndReadBack(record, readBack));
  }

  private async appendAndReadBack<T>(
    record: NewRecord,
    readBack: (at: LogPosition) => Promise<T>,
  ): Promise<T> {
    this.waiting += 1;
    try {
      return await readBack(await appended(this.log.writer, record));
    } finally {
      this.waiting -= 1;
    }
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new FieldgateError('log-unavailable', 'the log did not answer in time; the outcome is unknown'),
        ),
      ANSWERED_WITHIN_MS,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
