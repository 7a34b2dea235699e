import type { InfluxResponse } from './influx-writes.js';
import type { Piece } from './line-buffer.js';

export interface RefusedPiece {
  readonly index: number;
  readonly detail: string;
}

export interface StoreLines {
  /** Whatever InfluxDB answers, or an exception. */
  readonly post: (pieces: readonly Piece[]) => Promise<InfluxResponse>;
  /** The exception for an answer that is about the server and not about the lines. */
  readonly unavailable: (response: InfluxResponse) => Error;
}

/**
 * Writes pieces, and finds out which of them InfluxDB refuses: an answer 400 means that the others are stored, but not which those are, so
 * each half is written again, which changes nothing for the points that are there. At most twice as many requests as there are pieces.
 */
export async function storeLines(
  pieces: readonly Piece[],
  server: StoreLines,
): Promise<readonly RefusedPiece[]> {
  if (pieces.length === 0) return [];
  const response = await server.post(pieces);
  if (response.status >= 200 && response.status <= 299) return [];
  const reason = response.status === 413 ? 'InfluxDB says that it is too large' : refusalOf(response);
  if (reason === undefined) throw server.unavailable(response);
  if (pieces.length === 1 || droppedAll(reason, pieces))
    return pieces.map(({ index }) => ({ index, detail: reason }));
  const middle = Math.ceil(pieces.length / 2);
  return [
    ...(await storeLines(pieces.slice(0, middle), server)),
    ...(await storeLines(pieces.slice(middle), server)),
  ];
}

/** InfluxDB's own words about the lines; undefined for any other answer, for example of a proxy in between. */
function refusalOf({ status, body }: InfluxResponse): string | undefined {
  if (status !== 400 && status !== 422) return undefined;
  try {
    const { error } = JSON.parse(body) as { error?: unknown };
    return typeof error === 'string' ? withoutLine(error) : undefined;
  } catch {
    return undefined;
  }
}

/** `unable to parse '<the line>': reason`: the line is the payload, which does not belong into logs. */
function withoutLine(error: string): string {
  return error.replace(/'[^]*'/, 'a line').slice(0, 300);
}

function droppedAll(reason: string, pieces: readonly Piece[]): boolean {
  const dropped = /dropped=(\d+)$/.exec(reason)?.[1];
  return Number(dropped) === pieces.reduce((sum, { points }) => sum + points, 0);
}
