import { isUtf8 } from 'node:buffer';
import { reject, type Rejection } from '../errors.js';

/** Deeper than any message that is taken; what is ignored in an envelope may be as deep. */
const MAX_NESTING = 32;
const INDEFINITE = 31;
const BREAK = 0xff;
const DECIMAL_FRACTION = 4;

export type KeyTypes = 'texts' | 'texts-or-integers';

/**
 * What keeps a payload from being handed to the decoder; undefined when nothing does. Goes over the heads of all items without making
 * values of them (RFC 8949, section 3), and lets through what JSON can say, byte strings and decimal fractions. The decoder knows far
 * more: shared structures that it compiles into code, references, dates, sets, typed arrays. None of it shall be reached by a stranger.
 */
export function cborFault(payload: Uint8Array, keys: KeyTypes): Rejection | undefined {
  const scan = new Scan(payload, keys);
  const fault = scan.item(0);
  if (fault) return insteadOfCbor(payload) ?? fault;
  return scan.isAtEnd ? undefined : notCbor('more bytes follow the value');
}

/** `{` and `[` are heads of strings of eight bytes of length, which no payload has. */
const JSON_BEGINS: ReadonlySet<number | undefined> = new Set([0x7b, 0x5b]);

/** What is sent by mistake. */
function insteadOfCbor(payload: Uint8Array): Rejection | undefined {
  if (payload.length === 0) return notCbor('the payload is empty');
  return JSON_BEGINS.has(payload[0])
    ? notCbor('the payload is JSON, and its topic or Content Type says CBOR')
    : undefined;
}

class Scan {
  private position = 0;
  private readonly view: DataView;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly keys: KeyTypes,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.position === this.bytes.length;
  }

  item(depth: number): Rejection | undefined {
    if (depth > MAX_NESTING)
      return reject('payload-too-deep', `CBOR nested deeper than ${MAX_NESTING} levels`);
    const head = this.bytes[this.position];
    if (head === undefined) return truncated();
    this.position += 1;
    const major = head >> 5;
    const info = head & 0x1f;
    if (major === 7) return this.simple(info);
    const argument = info === INDEFINITE ? undefined : this.argument(info);
    if (Number.isNaN(argument)) return info > 27 ? notCbor('a head of an item is not valid') : truncated();
    switch (major) {
      case 0:
      case 1:
        return argument === undefined ? notCbor('an integer of indefinite length') : undefined;
      case 2:
      case 3:
        return argument === undefined
          ? notCbor('texts and byte strings of indefinite length are not taken')
          : this.string(argument, major === 3);
      case 4:
        return this.items(argument, depth);
      case 5:
        return this.pairs(argument, depth);
      default:
        return this.tagged(argument);
    }
  }

  /** The number behind the head; NaN when there is none. */
  private argument(info: number): number {
    if (info < 24) return info;
    const length = 1 << (info - 24);
    const at = this.position;
    if (info > 27 || at + length > this.bytes.length) return Number.NaN;
    this.position += length;
    if (length === 1) return this.view.getUint8(at);
    if (length === 2) return this.view.getUint16(at);
    if (length === 4) return this.view.getUint32(at);
    return this.view.getUint32(at) * 2 ** 32 + this.view.getUint32(at + 4);
  }

  private simple(info: number): Rejection | undefined {
    if (info >= 20 && info <= 23) return undefined; // false, true, null, undefined
    if (info < 25 || info > 27)
      return notCbor('simple values other than booleans, null and floats are not taken');
    this.position += 1 << (info - 24);
    return this.position > this.bytes.length ? truncated() : undefined;
  }

  private string(length: number, isText: boolean): Rejection | undefined {
    const from = this.position;
    if (length > this.bytes.length - from) return truncated();
    this.position += length;
    if (!isText || isUtf8(this.bytes.subarray(from, this.position))) return undefined;
    return reject('payload-not-utf8', 'a text in the CBOR is not valid UTF-8');
  }

  private items(count: number | undefined, depth: number): Rejection | undefined {
    for (let i = 0; this.goesOn(i, count); i++) {
      const fault = this.item(depth + 1);
      if (fault) return fault;
    }
    return undefined;
  }

  private pairs(count: number | undefined, depth: number): Rejection | undefined {
    for (let i = 0; this.goesOn(i, count); i++) {
      const fault = this.key() ?? this.item(depth + 1);
      if (fault) return fault;
    }
    return undefined;
  }

  /** Whether another item of the array or map follows; takes the break of one of indefinite length. */
  private goesOn(index: number, count: number | undefined): boolean {
    if (count !== undefined) return index < count;
    if (this.bytes[this.position] !== BREAK) return true;
    this.position += 1;
    return false;
  }

  private key(): Rejection | undefined {
    const head = this.bytes[this.position];
    const isText = head !== undefined && head >> 5 === 3;
    const isInteger = head !== undefined && head >> 5 <= 1;
    if (head === undefined || isText || (isInteger && this.keys === 'texts-or-integers')) return this.item(0);
    return notCbor(this.keys === 'texts' ? 'a key is not a text' : 'a key is neither a text nor an integer');
  }

  private tagged(tag: number | undefined): Rejection | undefined {
    if (tag !== DECIMAL_FRACTION) return notCbor('tags other than decimal fractions are not taken');
    if (this.bytes[this.position] !== 0x82) return notCbor('a decimal fraction is an array of two integers');
    this.position += 1;
    return this.integer() ?? this.integer();
  }

  private integer(): Rejection | undefined {
    const head = this.bytes[this.position];
    if (head !== undefined && head >> 5 > 1) return notCbor('a decimal fraction is an array of two integers');
    return this.item(0);
  }
}

function truncated(): Rejection {
  return notCbor('the bytes end before the value does');
}

function notCbor(detail: string): Rejection {
  return reject('payload-not-cbor', detail);
}
