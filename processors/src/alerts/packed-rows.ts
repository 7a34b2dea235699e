import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import { encodeTableRow, tableRows } from '@fieldgate/contracts';
import { appended, type LogRecord, type LogWriter, type NewRecord } from '@fieldgate/commit-log';
import type { Clock } from '@fieldgate/service';
import { z } from 'zod';
import { allSettled } from './all-settled.js';

const TOPIC = 'fieldgate.alert-checkpoints.v1';
/** A row of more is packed: readings that wait, mostly, which are much alike. */
const PLAIN_BYTES = 64 * 1024;
/** Of a packed row in one record: base64 makes a third more of it, and a record of the log has room for 1 MiB. */
const PIECE_BYTES = 256 * 1024;

const deflated = promisify(deflate);
const inflated = promisify(inflate);

/** Under the key of the row, and written after its other pieces: the last one, which makes it whole. */
export const packedRowSchema = z.object({
  kind: z.literal('packed'),
  version: z.number(),
  /** How many come before this one, each under a key of its own. */
  pieces: z.number(),
  /** In base64; all of them together are the value that a small row would have, deflated. */
  deflated: z.string(),
});
export type PackedRow = Readonly<z.infer<typeof packedRowSchema>>;

/** `<row>/piece/<version>/<index>`: no version overwrites another, so the one before is there until the next is whole. */
const pieceSchema = z.object({ kind: z.literal('piece'), deflated: z.string() });
const readPiece = tableRows(TOPIC, pieceSchema);
const PIECE_KEY = /^(.+)\/piece\/(\d+)\/\d+$/;

/** Rows of any size: a large one is deflated, and what is too large for one record even then stands in several. */
export class PackedRows {
  /** Pieces that stand in the log, with their versions, by row. */
  private readonly pieces = new Map<string, Map<string, number>>();

  constructor(
    private readonly writer: LogWriter,
    private readonly clock: Clock,
  ) {}

  /** A key that stands in the log. If it is of a piece, it goes with the next version of its row, whole or not. */
  found(key: string): void {
    const [, row, version] = PIECE_KEY.exec(key) ?? [];
    if (row !== undefined) this.piecesOf(row).set(key, Number(version));
  }

  /** Durable and whole when it resolves; null: there is no such row any more. */
  async write(row: Omit<NewRecord, 'topic'>): Promise<void> {
    const former = this.pieces.has(row.key) ? [...this.piecesOf(row.key).keys()] : undefined;
    const isLarge = row.value !== null && row.value.byteLength > PLAIN_BYTES;
    const value = isLarge ? await this.writePieces(row, row.value) : row.value;
    await appended(this.writer, { topic: TOPIC, ...row, value }); // whole from here
    if (former) await this.remove(row, former);
  }

  /** What goes under the key of the row itself. */
  private async writePieces(row: Omit<NewRecord, 'topic'>, value: Uint8Array): Promise<Uint8Array> {
    const { key } = row;
    const bytes = await deflated(value);
    const version = this.nextVersion(key);
    const appends: Promise<unknown>[] = [];
    let at = 0;
    for (; bytes.length - at > PIECE_BYTES; at += PIECE_BYTES) {
      const pieceKey = keyOfPiece(key, version, appends.length);
      this.piecesOf(key).set(pieceKey, version);
      const piece = { kind: 'piece', deflated: bytes.toString('base64', at, at + PIECE_BYTES) };
      appends.push(
        appended(this.writer, {
          topic: TOPIC,
          ...row,
          key: pieceKey,
          value: this.encode(pieceKey, version, piece),
        }),
      );
    }
    await allSettled(appends);
    const last: PackedRow = {
      kind: 'packed',
      version,
      pieces: appends.length,
      deflated: bytes.toString('base64', at),
    };
    return this.encode(key, version, last);
  }

  private async remove(row: Omit<NewRecord, 'topic'>, keys: readonly string[]): Promise<void> {
    await allSettled(keys.map((key) => appended(this.writer, { topic: TOPIC, ...row, key, value: null })));
    const pieces = this.piecesOf(row.key);
    for (const key of keys) pieces.delete(key);
    if (pieces.size === 0) this.pieces.delete(row.key);
  }

  /** Higher than all that stand in the log, and another one than that of whoever had this partition before and is not dead yet. */
  private nextVersion(row: string): number {
    let version = this.clock.now();
    for (const known of this.pieces.get(row)?.values() ?? []) version = Math.max(version, known + 1);
    return version;
  }

  private piecesOf(row: string): Map<string, number> {
    const known = this.pieces.get(row);
    if (known) return known;
    const pieces = new Map<string, number>();
    this.pieces.set(row, pieces);
    return pieces;
  }

  private encode(key: string, version: number, data: unknown): Uint8Array {
    const atMs = this.clock.now();
    return encodeTableRow(TOPIC, { key, id: String(version), atMs, data });
  }
}

/** The value that the row would have if it were small; undefined: it is not whole. */
export async function unpacked(
  key: string,
  { version, pieces, deflated: last }: PackedRow,
  newest: ReadonlyMap<string, LogRecord>,
): Promise<Uint8Array | undefined> {
  const bytes: Buffer[] = [];
  for (let index = 0; index < pieces; index += 1) {
    const value = newest.get(keyOfPiece(key, version, index))?.value;
    const piece = value ? readPiece(value) : undefined;
    if (!piece) return undefined;
    bytes.push(Buffer.from(piece.deflated, 'base64'));
  }
  bytes.push(Buffer.from(last, 'base64'));
  try {
    return await inflated(Buffer.concat(bytes));
  } catch {
    return undefined; // not what was deflated: its check sum says so
  }
}

function keyOfPiece(row: string, version: number, index: number): string {
  return `${row}/piece/${version}/${index}`;
}
