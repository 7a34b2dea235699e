/*
 * Most telemetry is plain: a flat JSON object of ASCII, numbers without exponents, texts without escapes. Its readings can go into the record
 * as the bytes that came, once every byte of them has been looked at. This looks, in one pass and without making an object; what it does not
 * know, it leaves to `parseTelemetry`, which alone refuses.
 */
import { MAX_TEXT_BYTES } from './reading.js';

const MAX_NAME_LENGTH = 64;
const MAX_ID_LENGTH = 128;
/** More are rare, and finding repeated names among them is not for a hot path. */
const MOST_READINGS = 48;
/** Digits that a number holds exactly, for `ts` and `seq`. */
const EXACT_DIGITS = 15;
/** Longer ones are written anew, with the digits that a double holds. */
const LONGEST_NUMBER = 24;

const NAME_START = 1;
const NAME = 2;
const DIGIT = 4;
const TEXT = 8;
const ID = 16;
const CLASSES = Uint8Array.from({ length: 256 }, (_, byte) => {
  const letter = String.fromCharCode(byte);
  const isText = byte >= 0x20 && byte <= 0x7e && letter !== '"' && letter !== '\\';
  return (
    (/[A-Za-z_]/.test(letter) ? NAME_START : 0) |
    (/[A-Za-z0-9_.:-]/.test(letter) ? NAME : 0) |
    (/[0-9]/.test(letter) ? DIGIT : 0) |
    (isText ? TEXT : 0) |
    (isText && letter !== ' ' ? ID : 0)
  );
});

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const COLON = 0x3a;
const UNDERSCORE = 0x5f;
const TILDE = 0x7e;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/** Everything is between two places of `bytes`; -1: it is not there. Positions of what was scanned last. */
export class TelemetryScan {
  bytes: Uint8Array = new Uint8Array(0);
  /** Behind the message. */
  end = 0;
  ts = -1;
  tsFrom = -1;
  tsTo = -1;
  seqFrom = -1;
  seqTo = -1;
  idFrom = -1;
  idTo = -1;
  /** From the first name to the end of the last value: what belongs between the braces. */
  readingsFrom = -1;
  readingsTo = -1;
  private count = 0;
  private readonly names = new Int32Array(MOST_READINGS);
  /** Of the name read last. */
  private hash = 0;

  /** Whether a plain message stands at `from`; then `end` is the place behind it, and not before that is known to lie within the payload. */
  scan(bytes: Uint8Array, from: number): boolean {
    this.bytes = bytes;
    this.count = 0;
    this.tsFrom = this.seqFrom = this.idFrom = this.readingsFrom = -1;
    if (bytes[from] !== OPEN) return false;
    return this.message(from + 1) && this.readingsFrom >= 0;
  }

  /** `ts`, `seq`, `id` and either `readings` or the readings themselves, without identity between them. */
  private message(from: number): boolean {
    const { bytes } = this;
    let isEnvelope = false;
    let isBehindReadings = false;
    for (let at = from; ; at += 1) {
      const nameAt = skipSpaces(bytes, at);
      const nameEnd = this.nameEnd(nameAt);
      if (nameEnd < 0) return false;
      const valueAt = this.valueAt(nameEnd);
      if (valueAt < 0) return false;
      let end = this.identityEnd(nameAt + 1, nameEnd, valueAt);
      if (end === NOT_IDENTITY) {
        if (isEnvelope) return false;
        isEnvelope = bytes[valueAt] === OPEN && isNamed(bytes, nameAt + 1, nameEnd, READINGS);
        if (isEnvelope ? this.readingsFrom >= 0 : isBehindReadings) return false;
        end = isEnvelope ? this.readings(valueAt + 1) : this.readingEnd(valueAt);
        if (!isEnvelope && this.readingsFrom < 0) this.readingsFrom = nameAt;
        if (!isEnvelope) this.readingsTo = end;
      } else {
        isBehindReadings = this.readingsFrom >= 0;
      }
      if (end < 0) return false;
      at = skipSpaces(bytes, end);
      if (bytes[at] === COMMA) continue;
      this.end = at + 1;
      return bytes[at] === CLOSE;
    }
  }

  /** The place behind the closing brace; -1: not plain. */
  private readings(from: number): number {
    const { bytes } = this;
    for (let at = from; ; at += 1) {
      const nameAt = skipSpaces(bytes, at);
      const nameEnd = this.nameEnd(nameAt);
      if (nameEnd < 0) return -1;
      const valueAt = this.valueAt(nameEnd);
      if (valueAt < 0) return -1;
      const end = this.readingEnd(valueAt);
      if (end < 0) return -1;
      if (this.readingsFrom < 0) this.readingsFrom = nameAt;
      this.readingsTo = end;
      at = skipSpaces(bytes, end);
      if (bytes[at] === COMMA) continue;
      return bytes[at] === CLOSE ? at + 1 : -1;
    }
  }

  /** The closing quote of a metric name that begins with a quote here; -1: none. */
  private nameEnd(quoteAt: number): number {
    const { bytes } = this;
    let at = quoteAt + 1;
    let byte = bytes[at] as number; // behind the end it is undefined, which is in no class
    if (bytes[quoteAt] !== QUOTE || (classOf(byte) & NAME_START) === 0) return -1;
    let hash = 0;
    let before = 0;
    while ((classOf(byte) & NAME) !== 0) {
      if (byte === UNDERSCORE && before === UNDERSCORE) return -1; // `__proto__` is for who refuses it
      hash = (Math.imul(hash, 31) + byte) | 0;
      before = byte;
      at += 1;
      byte = bytes[at] as number; // see above
    }
    this.hash = hash;
    return byte === QUOTE && at - quoteAt - 1 <= MAX_NAME_LENGTH ? at : -1;
  }

  private valueAt(nameEnd: number): number {
    const { bytes } = this;
    const at = skipSpaces(bytes, nameEnd + 1);
    return bytes[at] === COLON ? skipSpaces(bytes, at + 1) : -1;
  }

  /** The end of the value when the name is one of an identity; `NOT_IDENTITY`: it is not. */
  private identityEnd(from: number, to: number, valueAt: number): number {
    const { bytes } = this;
    if (isNamed(bytes, from, to, TS)) {
      const end = digitsEnd(bytes, valueAt);
      if (end < 0 || this.tsFrom >= 0) return -1;
      this.tsFrom = valueAt;
      this.tsTo = end;
      this.ts = exactNumber(bytes, valueAt, end);
      return end;
    }
    if (isNamed(bytes, from, to, SEQ)) {
      const end = digitsEnd(bytes, valueAt);
      if (end < 0 || this.seqFrom >= 0) return -1;
      this.seqFrom = valueAt;
      this.seqTo = end;
      return end;
    }
    if (!isNamed(bytes, from, to, IDENTIFIER)) return NOT_IDENTITY;
    const end = textEnd(bytes, valueAt, ID);
    const length = end - valueAt - 2;
    if (end < 0 || length < 1 || length > MAX_ID_LENGTH || bytes[valueAt + 1] === TILDE) return -1;
    if (this.idFrom >= 0) return -1;
    this.idFrom = valueAt + 1;
    this.idTo = end - 1;
    return end;
  }

  /** Behind a number, a text or a boolean that is the value of a name not had before; -1: something else. */
  private readingEnd(at: number): number {
    if (!this.isNewName()) return -1;
    const { bytes } = this;
    const byte = bytes[at] as number; // undefined is none of these
    if (byte === MINUS || (classOf(byte) & DIGIT) !== 0) return numberEnd(bytes, at);
    if (byte !== QUOTE) return literalEnd(bytes, at);
    const end = textEnd(bytes, at, TEXT);
    return end - at - 2 <= MAX_TEXT_BYTES ? end : -1;
  }

  /** By its hash: two names of one are rare, and cost no more than the slow way. */
  private isNewName(): boolean {
    const { names, count, hash } = this;
    if (count === MOST_READINGS) return false;
    for (let index = 0; index < count; index += 1) if (names[index] === hash) return false;
    names[count] = hash;
    this.count = count + 1;
    return true;
  }
}

const NOT_IDENTITY = -2;
const TS = Buffer.from('ts');
const SEQ = Buffer.from('seq');
const IDENTIFIER = Buffer.from('id');
const READINGS = Buffer.from('readings');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

function classOf(byte: number): number {
  return CLASSES[byte] as number; // for undefined this is undefined, and `& class` makes 0 of it
}

/** Other white space is left to the parser: in a record it would end a line for whoever reads by lines. */
function skipSpaces(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] === SPACE) at += 1;
  return at;
}

function isNamed(bytes: Uint8Array, from: number, to: number, name: Uint8Array): boolean {
  if (to - from !== name.length) return false;
  for (let index = 0; index < name.length; index += 1) if (bytes[from + index] !== name[index]) return false;
  return true;
}

/** JSON's number without an exponent (RFC 8259, section 6), and not -0, which a writer would turn into 0. */
function numberEnd(bytes: Uint8Array, from: number): number {
  let at = from;
  if (bytes[at] === MINUS) at += 1;
  const first = bytes[at] as number; // undefined is no digit
  if ((classOf(first) & DIGIT) === 0) return -1;
  at = first === ZERO ? at + 1 : pastDigits(bytes, at);
  if (bytes[at] === DOT) {
    const fractionAt = at + 1;
    at = pastDigits(bytes, fractionAt);
    if (at === fractionAt) return -1;
  }
  if (at - from > LONGEST_NUMBER) return -1;
  return bytes[from] === MINUS && first === ZERO && isZero(bytes, from + 1, at) ? -1 : at;
}

function pastDigits(bytes: Uint8Array, from: number): number {
  let at = from;
  while ((classOf(bytes[at] as number) & DIGIT) !== 0) at += 1; // undefined is no digit
  return at;
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (bytes[at] !== ZERO && bytes[at] !== DOT) return false;
  return true;
}

/** A whole number from 0 that a double holds exactly. */
function digitsEnd(bytes: Uint8Array, from: number): number {
  const end = pastDigits(bytes, from);
  const length = end - from;
  if (length === 0 || length > EXACT_DIGITS || (length > 1 && bytes[from] === ZERO)) return -1;
  return end;
}

function exactNumber(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) value = value * 10 + ((bytes[at] as number) - ZERO); // digits, as seen before
  return value;
}

/** Behind the closing quote of a text whose letters are all of one class. */
function textEnd(bytes: Uint8Array, quoteAt: number, kind: number): number {
  if (bytes[quoteAt] !== QUOTE) return -1;
  let at = quoteAt + 1;
  while ((classOf(bytes[at] as number) & kind) !== 0) at += 1; // undefined is in no class
  return bytes[at] === QUOTE ? at + 1 : -1;
}

function literalEnd(bytes: Uint8Array, at: number): number {
  if (isNamed(bytes, at, at + TRUE.length, TRUE)) return at + TRUE.length;
  return isNamed(bytes, at, at + FALSE.length, FALSE) ? at + FALSE.length : -1;
}
