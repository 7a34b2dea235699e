import type { Duplex } from 'node:stream';
import { writeAcknowledgement } from '../codec/encoder.js';

const ACKNOWLEDGEMENT_BYTES = 4;
/** So much is written without waiting for the end of the turn: the stream has to be able to say that it is full. */
const FULL_BYTES = 65_536;
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
  /** So many of the first are to be written; the array is never made shorter, or it would grow again in every turn. */
  private waiting = 0;
  private readonly acknowledgements: number[] = [];
  private packets: Buffer[] = [];
  private bytes = 0;
  private isDirty = false;

  constructor(private readonly stream: Duplex) {}

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

  /** Now. */
  flush(): void {
    this.gather();
    const { packets } = this;
    if (packets.length === 0) return;
    this.packets = [];
    this.bytes = 0;
    if (this.stream.destroyed || this.stream.writableEnded) return;
    this.stream.write(packets.length === 1 ? packets[0] : Buffer.concat(packets));
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
    this.packets.push(bytes);
  }
}
