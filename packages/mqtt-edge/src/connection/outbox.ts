import type { Duplex } from 'node:stream';
import { writeAcknowledgement } from '../codec/encoder.js';

const ACKNOWLEDGEMENT_BYTES = 4;
/** So much is written without waiting for the end of the turn: the stream has to be able to say that it is full. */
const FULL_BYTES = 65_536;
/** What is larger is written in pieces, each when the one before it was taken: only whole writes are seen to be read. */
const LARGE_BYTES = 2 * FULL_BYTES;
const PIECE_BYTES = 16_384;
/** Places for acknowledgements that are kept for the next turn; a burst shall not be paid for by an idle connection. */
const KEPT_PLACES = 512;
type AcknowledgementType = Parameters<typeof writeAcknowledgement>[2];

/** Outboxes with something in them; written when the running turn is over, so that a group of acknowledgements is one write. */
let dirty: Outbox[] = [];

function flushAll(): void {
  const all = dirty;
  dirty = [];
  for (const outbox of all) outbox.flushDirty();
}

/** What goes to one client, gathered for the length of a turn. Acknowledgements without a word are numbers until they are written. */
export class Outbox {
  /** So many of the first are to be written; the array is not made shorter, or it would grow again in every turn. */
  private waiting = 0;
  private acknowledgements: number[] = [];
  private packets: Buffer[] = [];
  private bytes = 0;
  private isDirty = false;
  /** Bytes that the stream was given. */
  private written = 0;
  /** A large packet that is not written to its end, and what came behind it; while there is any, the stream is full. */
  private readonly rest: Buffer[] = [];

  constructor(private readonly stream: Duplex) {}

  /** Bytes that the stream has taken. It counts a write as a whole, so a large one would look like a client that reads nothing. */
  get taken(): number {
    return this.written - this.stream.writableLength;
  }

  /** PUBACK, PUBREC, PUBREL or PUBCOMP with reason code 0. */
  acknowledge(type: AcknowledgementType, packetId: number): void {
    this.acknowledgements[this.waiting++] = (type << 16) | packetId;
    this.mark();
  }

  send(bytes: Buffer): void {
    this.gather();
    this.packets.push(bytes);
    this.bytes += bytes.length;
    if (this.bytes >= FULL_BYTES) this.flush();
    else this.mark();
  }

  /** At the end of the turn. */
  flushDirty(): void {
    this.isDirty = false;
    this.flush();
  }

  /** Now, as far as the stream allows. */
  flush(): void {
    this.gather();
    const { packets, bytes } = this;
    if (packets.length === 0) return;
    this.packets = [];
    this.bytes = 0;
    const together = packets.length === 1 ? (packets[0] as Buffer) : Buffer.concat(packets); // there is one
    if (this.rest.length === 0 && bytes <= LARGE_BYTES) return this.write(together);
    this.rest.push(together);
    this.goOn();
  }

  /** To be called when the stream is full no longer. */
  goOn(): void {
    const { rest } = this;
    while (rest[0] !== undefined && !this.stream.writableNeedDrain && this.isWritable) {
      this.write(rest[0].subarray(0, PIECE_BYTES));
      if (rest[0].length > PIECE_BYTES) rest[0] = rest[0].subarray(PIECE_BYTES);
      else rest.shift();
    }
  }

  /** Everything, and nothing after it: the stream keeps it until the client has taken it. */
  end(): void {
    this.flush();
    for (const bytes of this.rest.splice(0)) this.write(bytes);
    this.stream.end();
  }

  private get isWritable(): boolean {
    return !this.stream.destroyed && !this.stream.writableEnded;
  }

  private write(bytes: Buffer): void {
    if (!this.isWritable) return;
    this.written += bytes.length;
    this.stream.write(bytes);
  }

  private mark(): void {
    if (this.isDirty) return;
    this.isDirty = true;
    if (dirty.length === 0) process.nextTick(flushAll);
    dirty.push(this);
  }

  private gather(): void {
    const { acknowledgements, waiting } = this;
    if (waiting === 0) return;
    const bytes = Buffer.allocUnsafe(ACKNOWLEDGEMENT_BYTES * waiting);
    for (let index = 0; index < waiting; index += 1) {
      const entry = acknowledgements[index] as number; // one of those that wait
      const type = (entry >> 16) as AcknowledgementType; // packed above
      writeAcknowledgement(bytes, ACKNOWLEDGEMENT_BYTES * index, type, entry & 0xffff);
    }
    this.waiting = 0;
    if (acknowledgements.length > KEPT_PLACES) this.acknowledgements = [];
    this.packets.push(bytes);
  }
}
