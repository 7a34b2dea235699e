import { isObject, tokenOf } from '@fieldgate/contracts';
import { createHash, randomBytes } from 'node:crypto';
import { Problem } from '../http/problem.js';
import type { NewCommand } from './command-requests.js';

const ID_BYTES = 16;

/** `Idempotency-Key`, or undefined. */
export function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || /^[\x20-\x7e]{1,255}$/.test(header)) return header;
  throw new Problem('invalid-request', 'Idempotency-Key must be 1 to 255 printable ASCII characters');
}

/** The same operator, device and key make the same id on any instance of the API; without a key each command is a new one. */
export function commandIdOf(operator: string, deviceId: string, key: string | undefined): string {
  if (key === undefined) return tokenOf(randomBytes(ID_BYTES));
  return tokenOf(sha256(JSON.stringify([operator, deviceId, key])).subarray(0, ID_BYTES));
}

/** Of what the command is, whatever the order of its members: so that the same key with another body is noticed. */
export function bodyHashOf(command: NewCommand): string {
  return sha256(canonical(command)).toString('base64url');
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Members in one order. The schema has bounded the depth. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    isObject(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
