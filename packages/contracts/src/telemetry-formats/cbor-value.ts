import { Decoder } from 'cbor-x';
import { isRejection, reject, type Rejection } from '../errors.js';
import { cborFault, type KeyTypes } from './cbor-fault.js';

/** Maps stay maps: as objects their keys would lose their type, and `__proto__` its name. */
const decoder = new Decoder({ useRecords: false, mapsAsObjects: false });

/**
 * One value in CBOR (RFC 8949) as numbers, texts, booleans, null, arrays, `Map`s and `Uint8Array`s. `undefined` is null here; an integer
 * that a double does not hold exactly stays a bigint, for whoever judges the value.
 */
export function cborValue(payload: Uint8Array, keys: KeyTypes): { readonly value: unknown } | Rejection {
  const fault = cborFault(payload, keys);
  if (fault) return fault;
  try {
    return { value: decoder.decode(payload) as unknown };
  } catch {
    return reject('payload-not-cbor'); // nothing that passes the check above is known to come here
  }
}

/** What a value is where JSON has no word for it. */
export function cborScalar(value: unknown): unknown {
  if (value === undefined) return null;
  return typeof value === 'bigint' && BigInt.asIntN(54, value) === value ? Number(value) : value;
}

/** The same value as `JSON.parse` would have made it; a byte string becomes null, which no message takes. */
export function plainCborValue(payload: Uint8Array): { readonly value: unknown } | Rejection {
  const decoded = cborValue(payload, 'texts');
  return isRejection(decoded) ? decoded : { value: plain(decoded.value) };
}

function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Uint8Array) return null;
  if (!(value instanceof Map)) return cborScalar(value);
  const object: Record<string, unknown> = {};
  for (const [name, member] of value as Map<string, unknown>) {
    // the check of the bytes has let no other keys pass
    if (name === '__proto__') {
      // an own member, as JSON.parse makes it, and not the prototype of the object
      Object.defineProperty(object, name, { value: plain(member), enumerable: true });
    } else object[name] = plain(member);
  }
  return object;
}
