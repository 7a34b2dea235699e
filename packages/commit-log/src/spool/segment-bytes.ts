import type { FileHandle } from 'node:fs/promises';
import { codeOf } from '../embedded/system-error.js';

const SHORT = 'the file is too short';
/** What is said of bytes that may never come back. All else is about this process, or about who may read. */
const LOST: ReadonlySet<unknown> = new Set(['EIO', 'EUCLEAN', 'EBADMSG', 'ENODATA', 'ENOENT', SHORT]);
/** Beside a bad block others can be read. */
const BLOCK_BYTES = 4_096;

export function saysBytesAreLost(error: unknown): boolean {
  return LOST.has(codeOf(error));
}

export async function readWhole(file: FileHandle, into: Buffer, at: number): Promise<void> {
  const missing = into.length - (await readUpTo(file, into, at));
  if (missing > 0)
    throw Object.assign(new Error(`the file ends ${missing} bytes too early`), { code: SHORT }); // it was cut from outside
}

/** What cannot be read is zero. Returns how many bytes that are. */
export async function readWhatIsThere(
  file: FileHandle | undefined,
  into: Buffer,
  at: number,
): Promise<number> {
  if (file === undefined) return into.fill(0).length;
  if ((await readableOf(file, into, at)) === into.length) return 0;
  let lost = 0;
  for (let from = 0; from < into.length;) {
    const block = into.subarray(from, from + BLOCK_BYTES - ((at + from) % BLOCK_BYTES));
    const there = await readableOf(file, block, at + from);
    block.fill(0, there);
    lost += block.length - there;
    from += block.length;
  }
  return lost;
}

async function readableOf(file: FileHandle, into: Buffer, at: number): Promise<number> {
  try {
    return await readUpTo(file, into, at);
  } catch (error) {
    if (saysBytesAreLost(error)) return 0;
    throw error;
  }
}

async function readUpTo(file: FileHandle, into: Buffer, at: number): Promise<number> {
  for (let filled = 0; filled < into.length;) {
    const { bytesRead } = await file.read(into, filled, into.length - filled, at + filled);
    if (bytesRead === 0) return filled;
    filled += bytesRead;
  }
  return into.length;
}
