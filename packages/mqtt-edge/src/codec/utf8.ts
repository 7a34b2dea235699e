/** What a look over the bytes of a string has found; 0: nothing to object to. Findings are added. */
export const Utf8Finding = {
  /** No UTF-8: overlong, a surrogate, truncated, above U+10FFFF, or U+0000 ([MQTT-1.5.4-1], [MQTT-1.5.4-2]). */
  malformed: 1,
  /** Control characters U+0001..U+001F and U+007F..U+009F, and non-characters: 1.5.4 lets a receiver refuse them. */
  discouraged: 2,
  /** `+` or `#`, which a topic name must not contain. */
  wildcard: 4,
} as const;

const NOT_ASCII = 8;

/** The finding of each single byte. */
const FINDINGS = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0) return Utf8Finding.malformed;
  if (byte < 0x20 || byte === 0x7f) return Utf8Finding.discouraged;
  if (byte === 0x2b || byte === 0x23) return Utf8Finding.wildcard;
  return byte < 0x80 ? 0 : NOT_ASCII;
});

/** Looks once over `bytes[from..to)`. ASCII costs one table look-up a byte. */
export function scanUtf8(bytes: Uint8Array, from: number, to: number): number {
  let findings = 0;
  for (let at = from; at < to; at++) {
    findings |= FINDINGS[bytes[at] as number] as number; // at < to, and a byte is an index of the table
    if (findings & NOT_ASCII) return (findings & ~NOT_ASCII) | scanBeyondAscii(bytes, at, to);
  }
  return findings;
}

/** The well-formed sequences are those of table 3-7 of the Unicode standard. */
function scanBeyondAscii(bytes: Uint8Array, from: number, to: number): number {
  let findings = 0;
  let at = from;
  while (at < to) {
    const lead = bytes[at] as number; // at < to
    if (lead < 0x80) {
      findings |= FINDINGS[lead] as number; // below 0x80
      at++;
      continue;
    }
    const length = sequenceLength(lead);
    if (length === 0 || at + length > to) return findings | Utf8Finding.malformed;
    const second = bytes[at + 1] as number; // at + length <= to
    if (second < lowestSecond(lead) || second > highestSecond(lead)) return findings | Utf8Finding.malformed;
    let codePoint = ((lead & (0x7f >> length)) << 6) | (second & 0x3f);
    for (let next = at + 2; next < at + length; next++) {
      const byte = bytes[next] as number; // next < to
      if ((byte & 0xc0) !== 0x80) return findings | Utf8Finding.malformed;
      codePoint = (codePoint << 6) | (byte & 0x3f);
    }
    if (isDiscouraged(codePoint)) findings |= Utf8Finding.discouraged;
    at += length;
  }
  return findings;
}

/** 0: no byte that begins a sequence (0x80..0xC1 would be overlong or a continuation, 0xF5.. is above U+10FFFF). */
function sequenceLength(lead: number): number {
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

function lowestSecond(lead: number): number {
  if (lead === 0xe0) return 0xa0; // below: overlong
  return lead === 0xf0 ? 0x90 : 0x80; // below: overlong
}

function highestSecond(lead: number): number {
  if (lead === 0xed) return 0x9f; // above: U+D800..U+DFFF
  return lead === 0xf4 ? 0x8f : 0xbf; // above: beyond U+10FFFF
}

function isDiscouraged(codePoint: number): boolean {
  if (codePoint <= 0x9f) return true; // ASCII does not come here
  return (codePoint & 0xfffe) === 0xfffe || (codePoint >= 0xfdd0 && codePoint <= 0xfdef);
}
