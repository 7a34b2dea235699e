import { claimedTime, isBelievable } from '../cloud-event.js';
import { Rfc3339Bytes } from '../rfc3339.js';
import { TelemetryScan } from './scan-telemetry.js';
import type { MintId, TelemetryWriter } from './telemetry-record.js';

/** Records are written one behind the other into pieces of memory of this size; each keeps its piece alive until it is durable. */
const SLAB_BYTES = 64 * 1024;
/** A record longer than this has memory of its own. */
const MOST_SHARED_BYTES = 8 * 1024;
/** More than id, times, claim, sequence number and what stands between them take. */
const SMALL_PARTS_BYTES = 512;
/** Up to here a loop costs less than a view to copy from, with its garbage. */
const SHORT_BYTES = 512;

const TIME = Buffer.from('","time":"');
const RECEIVED = Buffer.from('","receivedtime":"');
const CLAIM = Buffer.from('","devicetime":"');
const SEQ = Buffer.from(',"seq":');
const HYPHEN = 0x2d;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/**
 * Plain telemetry (what that is: `TelemetryScan`) from a payload to the bytes of its record, with the readings as they came: nothing is parsed
 * into objects or serialised again. For everything else it says `undefined`, and `parseTelemetry` is to be asked. Both ways write records
 * that read the same.
 */
export class PlainTelemetry {
  private readonly scan = new TelemetryScan();
  private readonly received = new Rfc3339Bytes();
  private readonly time = new Rfc3339Bytes();
  private slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  private at = 0;
  /** The `ts` of the last message when it was not believed. */
  doubtedTs: number | undefined;

  /** The value of the record of one message; its payload is `bytes[from..to)`. */
  record(
    writer: TelemetryWriter,
    bytes: Uint8Array,
    from: number,
    to: number,
    receivedMs: number,
    mintId: MintId,
  ): Uint8Array | undefined {
    const { scan } = this;
    if (!scan.scan(bytes, from) || scan.end !== to) return undefined;
    return this.write(writer, receivedMs, mintId);
  }

  private write(writer: TelemetryWriter, receivedMs: number, mintId: MintId): Uint8Array {
    const { scan } = this;
    const { bytes, readingsFrom, readingsTo } = scan;
    const { head, tail } = writer;
    const from = this.reserve(head.length + tail.length + readingsTo - readingsFrom + SMALL_PARTS_BYTES);
    const { slab } = this;
    slab.set(head, from);
    let at = this.writeIdentity(from + head.length, receivedMs, mintId);
    slab.set(tail, at);
    at += tail.length;
    slab[at++] = OPEN;
    at = copy(bytes, readingsFrom, readingsTo, slab, at);
    slab[at++] = CLOSE;
    if (scan.seqFrom >= 0) {
      at = copy(SEQ, 0, SEQ.length, slab, at);
      at = copy(bytes, scan.seqFrom, scan.seqTo, slab, at);
    }
    slab[at++] = CLOSE;
    slab[at++] = CLOSE;
    this.at = at;
    return slab.subarray(from, at);
  }

  /** The same rules as `identify`; from the id to the last time, whose closing quote is the tail's. */
  private writeIdentity(from: number, receivedMs: number, mintId: MintId): number {
    const { scan, slab } = this;
    const { bytes, tsFrom, tsTo, ts } = scan;
    const isBelieved = tsFrom >= 0 && isBelievable(ts, receivedMs);
    this.doubtedTs = tsFrom < 0 || isBelieved ? undefined : ts;
    let at = from;
    if (scan.idFrom >= 0) {
      at = copy(bytes, scan.idFrom, scan.idTo, slab, at);
    } else if (isBelieved && scan.seqFrom >= 0) {
      at = copy(bytes, tsFrom, tsTo, slab, at);
      slab[at++] = HYPHEN;
      at = copy(bytes, scan.seqFrom, scan.seqTo, slab, at);
    } else {
      at = writeAscii(mintId(receivedMs), slab, at);
    }
    at = copy(TIME, 0, TIME.length, slab, at);
    at = isBelieved ? this.time.write(ts, slab, at) : this.received.write(receivedMs, slab, at);
    at = copy(RECEIVED, 0, RECEIVED.length, slab, at);
    at = this.received.write(receivedMs, slab, at);
    if (this.doubtedTs === undefined) return at;
    at = copy(CLAIM, 0, CLAIM.length, slab, at);
    return writeAscii(claimedTime(ts), slab, at);
  }

  /** Where so many bytes may be written. */
  private reserve(bytes: number): number {
    if (this.at + bytes <= this.slab.length) return this.at;
    this.slab = Buffer.allocUnsafeSlow(bytes > MOST_SHARED_BYTES ? bytes : SLAB_BYTES);
    this.at = 0;
    return 0;
  }
}

function copy(source: Uint8Array, from: number, to: number, target: Uint8Array, at: number): number {
  const length = to - from;
  if (length > SHORT_BYTES) target.set(source.subarray(from, to), at);
  else for (let index = 0; index < length; index += 1) target[at + index] = source[from + index] as number; // inside both
  return at + length;
}

function writeAscii(text: string, target: Uint8Array, at: number): number {
  for (let index = 0; index < text.length; index += 1) target[at + index] = text.charCodeAt(index);
  return at + text.length;
}
