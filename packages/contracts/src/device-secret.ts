import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * What the registry keeps of a device's secret: `sha256$salt$hash`, both base64url. Secrets are random (128 bit or more) or imported keys,
 * never a person's password, so one round of SHA-256 is enough, and a reconnecting fleet costs no more than that per CONNECT.
 */
export function hashSecret(secret: string | Uint8Array, salt: Uint8Array): string {
  return `sha256$${Buffer.from(salt).toString('base64url')}$${digest(salt, secret).toString('base64url')}`;
}

/** Whether this secret is the one that was kept, compared in constant time; false for anything that is not `sha256$salt$hash`. */
export function secretMatches(secret: string | Uint8Array, stored: string): boolean {
  const [scheme, salt, hash, ...rest] = stored.split('$');
  if (scheme !== 'sha256' || salt === undefined || hash === undefined || rest.length > 0) return false;
  const expected = Buffer.from(hash, 'base64url');
  const actual = digest(Buffer.from(salt, 'base64url'), secret);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** An imported secret is at least this long; a generated one has `SECRET_BYTES` random bytes, see `tokenOf`. */
export const MIN_SECRET_LENGTH = 16;
export const MAX_SECRET_LENGTH = 256;
export const SECRET_BYTES = 24;
export const SALT_BYTES = 16;

function digest(salt: Uint8Array, secret: string | Uint8Array): Buffer {
  return createHash('sha256').update(salt).update(secret).digest();
}
