import { encodeDeadLetter, type FieldgateError } from '@fieldgate/contracts';
import type { NewRecord } from '../log-writer.js';
import type { SpooledRecord } from './disk-spool.js';

/** base64 of more would not fit into one record of the log. */
const KEPT_BYTES = 512 * 1024;

/** Instead of a record that the log refuses. `number`: of those of one process. */
export function spoolDeadLetter(
  { topic, key, value }: SpooledRecord,
  error: FieldgateError,
  { number, atMs }: { readonly number: number; readonly atMs: number },
): NewRecord {
  return {
    topic: 'fieldgate.dead-letters.v1',
    key,
    value: encodeDeadLetter({
      deviceId: key,
      id: `spool-${topic}-${atMs}-${number}`,
      code: error.code,
      detail: error.message,
      origin: { kind: 'spool', topic },
      payload: (value ?? new Uint8Array()).subarray(0, KEPT_BYTES),
      atMs,
    }),
  };
}
