import { accessSync, constants, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { FieldgateError } from '@fieldgate/contracts';
import { messageOf } from '../message-of.js';
import { SCHEMA } from './schema.js';

export const DATABASE_FILE = 'telemetry.duckdb';
/** Before the blocks: the main header, and two that are written in turn. */
const HEADER_BYTES = 3 * 4_096;

export interface DatabaseOptions {
  readonly directory: string;
  /** DuckDB's own notation: `96MB`. What does not fit is spilled into a folder beside the file. */
  readonly memoryLimit: string;
}

/** DuckDB's file lock holds off other processes, but not a second instance in this one, which would damage the file. */
const openHere = new Set<string>();

export interface Database {
  readonly instance: DuckDBInstance;
  close(): void;
}

/** Opens the file, replays what a killed process left in its log, and creates what is missing. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const file = join(options.directory, DATABASE_FILE);
  usableDirectory(options.directory);
  if (openHere.has(file)) throw unusable(options.directory, 'this process has it open already');
  openHere.add(file);
  try {
    const instance = await DuckDBInstance.create(file, {
      memory_limit: options.memoryLimit,
      threads: '2',
      preserve_insertion_order: 'false',
      temp_directory: join(options.directory, 'spill'),
      autoinstall_known_extensions: 'false', // nothing is fetched from the network
    });
    await prepare(instance, file);
    return {
      instance,
      close: () => {
        instance.closeSync();
        openHere.delete(file);
      },
    };
  } catch (error) {
    openHere.delete(file);
    throw classify(options.directory, error);
  }
}

async function prepare(instance: DuckDBInstance, file: string): Promise<void> {
  const connection = await instance.connect();
  try {
    await refuseCutShort(connection, file);
    await connection.run(SCHEMA);
  } finally {
    connection.closeSync();
  }
}

/** DuckDB opens a file whose end is missing, and answers some queries as if nothing had been stored. */
async function refuseCutShort(connection: DuckDBConnection, file: string): Promise<void> {
  const reader = await connection.runAndReadAll(
    'SELECT block_size::DOUBLE, used_blocks::DOUBLE FROM pragma_database_size()',
  );
  const [blockBytes, usedBlocks] = (reader.getRows()[0] ?? []).map(Number);
  const least = HEADER_BYTES + (blockBytes ?? 0) * (usedBlocks ?? 0);
  const { size } = statSync(file);
  if (size < least) throw new Error(`it has ${size} bytes, and at least ${least} are in use`);
}

function usableDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unusable(directory, messageOf(error), error);
  }
}

/** DuckDB tells its errors apart by text only. */
function classify(directory: string, error: unknown): FieldgateError {
  const text = messageOf(error);
  if (/lock on file/i.test(text)) {
    const holder = /PID (\d+)/.exec(text)?.[1];
    return unusable(directory, `another process${holder ? ` (pid ${holder})` : ''} has it open`, error);
  }
  if (
    text.startsWith('IO Error') &&
    /permission denied|is a directory|no space left|read-only file/i.test(text)
  )
    return unusable(directory, messageOf(error), error);
  return damaged({ directory }, error);
}

/** The file opens, or does not, but cannot be read. */
export function damaged({ directory }: { readonly directory: string }, cause: unknown): FieldgateError {
  const file = join(directory, DATABASE_FILE);
  return new FieldgateError('data-damaged', `${file} cannot be read: ${messageOf(cause)}`, { cause });
}

function unusable(directory: string, reason: string, cause?: unknown): FieldgateError {
  return new FieldgateError(
    'data-dir-unusable',
    `the telemetry store in ${directory} cannot be used: ${reason}`,
    {
      cause,
    },
  );
}
