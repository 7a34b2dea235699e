import { FieldgateError } from '@fieldgate/contracts';
import { codeOf, reasonOf } from './system-error.js';

/** liblmdb/lmdb.h: what says that the file itself is not as LMDB wrote it. */
const DAMAGED: ReadonlySet<unknown> = new Set([
  -30797, // MDB_PAGE_NOTFOUND
  -30796, // MDB_CORRUPTED
  -30794, // MDB_VERSION_MISMATCH
  -30793, // MDB_INVALID: not an LMDB file
]);
/** LMDB has given up on its environment: it has to be opened again. */
export const MDB_PANIC = -30795;

/** Why a data directory cannot be opened, with the words of the system. */
export function openFailure(directory: string, error: unknown): FieldgateError {
  if (error instanceof FieldgateError) return error;
  const reason = reasonOf(error);
  return DAMAGED.has(codeOf(error))
    ? new FieldgateError('data-damaged', `the log in ${directory} is damaged: ${reason}`, { cause: error })
    : new FieldgateError('data-dir-unusable', `the log cannot be opened in ${directory}: ${reason}`, {
        cause: error,
      });
}

/** lmdb-js hides the reason of a failed commit in another promise. */
export async function writeFailure(directory: string, error: unknown): Promise<FieldgateError> {
  const cause = await hiddenReason(error);
  return new FieldgateError(
    'log-unavailable',
    `the log cannot be written in ${directory}: ${reasonOf(cause)}; is the disk full?`,
    { cause },
  );
}

async function hiddenReason(error: unknown): Promise<unknown> {
  const commitError = (error as { commitError?: Promise<never> } | undefined)?.commitError; // lmdb-js, write.js: rejectCommit
  if (commitError === undefined) return error;
  try {
    return await commitError;
  } catch (reason) {
    return reason;
  }
}
