import { FieldgateError } from '@fieldgate/contracts';
import {
  appended,
  COMMIT_LOG,
  type CommitLog,
  type LogPosition,
  type NewRecord,
} from '@fieldgate/commit-log';
import { Inject, Injectable } from '@nestjs/common';

/** Longer than a log needs for the change of a leader; shorter than what HTTP clients wait for. */
const LOG_ANSWERS_WITHIN_MS = 15_000;

/** Appends of the API: answered in bounded time, and read back before the caller hears of them. */
@Injectable()
export class DurableAppend {
  constructor(@Inject(COMMIT_LOG) private readonly log: CommitLog) {}

  /** Durable, and `readBack` has seen the record; else `log-unavailable`. After a timeout the outcome is unknown. */
  async append(record: NewRecord, readBack: (at: LogPosition) => Promise<void>): Promise<LogPosition> {
    const problem = this.log.problem();
    if (problem !== undefined) throw new FieldgateError('log-unavailable', problem);
    return inTime(
      (async () => {
        const at = await appended(this.log.writer, record);
        await readBack(at);
        return at;
      })(),
    );
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
      LOG_ANSWERS_WITHIN_MS,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
