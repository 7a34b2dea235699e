import type { Lines } from './line-protocol.js';

/** The lines of one record of a batch. */
export interface Piece {
  /** In the batch. */
  readonly index: number;
  readonly points: number;
  /** Where they are in the buffer. */
  readonly from: number;
  readonly to: number;
}

const FIRST_ROOM = 64 * 1024;
const MOST_BYTES_OF_A_UNIT = 3;

/**
 * The lines of a batch as the bytes that are sent. As texts, a dozen strings a record, they would outlive the young generation while the
 * answer is waited for.
 */
export class LineBuffer {
  readonly pieces: Piece[] = [];
  private bytes = Buffer.allocUnsafe(FIRST_ROOM);
  private end = 0;

  add(index: number, { text, points }: Lines): void {
    const from = this.end;
    this.makeRoom(text.length * MOST_BYTES_OF_A_UNIT);
    this.end += this.bytes.write(text, from, 'utf8');
    this.pieces.push({ index, points, from, to: this.end });
  }

  /** Of pieces that follow one another. */
  bytesOf(pieces: readonly Piece[]): Buffer {
    return this.bytes.subarray(pieces[0]?.from ?? 0, pieces.at(-1)?.to ?? 0);
  }

  private makeRoom(room: number): void {
    const needed = this.end + room;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.end);
    this.bytes = larger;
  }
}
