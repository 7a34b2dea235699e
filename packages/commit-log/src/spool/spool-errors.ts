import { FieldgateError } from '@fieldgate/contracts';
import { reasonOf } from '../embedded/system-error.js';

/** What the disk said, as an error of the spool. */
export function spoolError(
  code: 'spool-unusable' | 'spool-unwritable' | 'spool-unreadable',
  path: string,
  cause: unknown,
): FieldgateError {
  const what = { 'spool-unusable': 'used', 'spool-unwritable': 'written', 'spool-unreadable': 'read' }[code];
  return new FieldgateError(code, `the spool cannot be ${what} in ${path}: ${reasonOf(cause)}`, { cause });
}
