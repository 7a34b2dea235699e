import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FieldgateError } from '@fieldgate/contracts';
import { hasFirstCommit } from './first-commit.js';

const MDB_MAGIC = 0xbeefc0de;
/** Where the two meta pages keep what is checked here (`MDB_meta` of liblmdb, behind the page header of 24 bytes that lmdb-js writes). */
const MAGIC_AT = 24;
const PAGE_SIZE_AT = 48;
const LAST_PAGE_AT = 144;
const META_BYTES = 160;

/**
 * LMDB maps its file and trusts it: a page beyond the end of a file that was cut short is a SIGBUS, not an error. So the two meta pages are
 * compared with the length of the file before it is opened.
 */
export function checkDataFile(directory: string): void {
  const path = join(directory, 'data.mdb');
  if (!existsSync(path)) return checkFirstStart(directory, `${path} is missing`);
  if (!statSync(path).isFile()) throw damaged(path, 'it is not a file');
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size === 0) return checkFirstStart(directory, `${path} is empty`); // LMDB begins a new one
    const pageSize = metaOf(file, 0, path).pageSize;
    const newest = [metaOf(file, 0, path), metaOf(file, pageSize, path)];
    const pages = Math.max(...newest.map(({ lastPage }) => lastPage)) + 1;
    if (pages * pageSize > size)
      throw damaged(path, `it has ${size} bytes and should have ${pages * pageSize}: it was cut short`);
  } finally {
    closeSync(file);
  }
}

/** A start with nothing would silently be that of an empty installation. */
function checkFirstStart(directory: string, found: string): void {
  if (!hasFirstCommit(directory)) return;
  throw new FieldgateError(
    'data-damaged',
    `${found} although the log has been used: restore the backup, or remove the directory ${directory} to start empty on purpose`,
  );
}

function metaOf(file: number, at: number, path: string): { pageSize: number; lastPage: number } {
  const meta = Buffer.alloc(META_BYTES);
  const read = readSync(file, meta, 0, META_BYTES, at);
  if (read < META_BYTES || meta.readUInt32LE(MAGIC_AT) !== MDB_MAGIC)
    throw damaged(path, 'it is not a file of the log');
  return { pageSize: meta.readUInt32LE(PAGE_SIZE_AT), lastPage: Number(meta.readBigUInt64LE(LAST_PAGE_AT)) };
}

function damaged(path: string, reason: string): FieldgateError {
  return new FieldgateError('data-damaged', `${path} is damaged: ${reason}`);
}
