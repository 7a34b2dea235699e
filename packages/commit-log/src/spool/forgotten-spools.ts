import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Logger } from '@fieldgate/service';
import { codeOf, reasonOf } from '../embedded/system-error.js';

/** Whoever has a spool in use touches its lock more often than this. */
const SILENCE_MS = 15_000;

export interface SpoolsOfDataDir {
  /** Holds one directory for each gateway. */
  readonly directory: string;
  /** Whose spool is this process's own. */
  readonly gatewayId: string;
  /** False: the spool is switched off, or there is no Kafka to drain it to. */
  readonly isDrained: boolean;
}

/**
 * Acknowledged records that no process would ever bring into the log: of a spool that was switched off, or of a gateway that has got another id.
 * They stay where they are, and one warning for each says so.
 */
export async function warnOfForgottenSpools(
  { directory, gatewayId, isDrained }: SpoolsOfDataDir,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<void> {
  try {
    for (const name of await namesIn(directory)) {
      const path = join(directory, name);
      if (name === gatewayId ? isDrained : await isInUse(path, clock)) continue;
      const left = await leftIn(path);
      if (left.files > 0)
        logger.warn({ directory: path, ...left }, 'records lie in a spool that nobody drains');
    }
  } catch (error) {
    logger.warn({ directory, reason: reasonOf(error) }, 'spools that nobody drains could not be looked for');
  }
}

async function isInUse(directory: string, clock: Clock): Promise<boolean> {
  if (!(await namesIn(directory)).includes('in-use.lock')) return false;
  const { mtimeMs } = await stat(join(directory, 'in-use.lock'));
  return clock.now() - mtimeMs < SILENCE_MS;
}

async function leftIn(directory: string): Promise<{ readonly files: number; readonly bytes: number }> {
  const segments = (await namesIn(directory)).filter((name) => name.endsWith('.spool'));
  const sizes = await Promise.all(segments.map(async (name) => (await stat(join(directory, name))).size));
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** None when there is no such directory. */
async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}
