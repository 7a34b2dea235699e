import { readFile } from 'node:fs/promises';

/** What was typed makes no sense, which shows before anything is sent: exit code 2, see `asOperator`. */
export class UsageError extends Error {}

/** A file, or standard input for `-`. */
export async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file === '-' ? '/dev/stdin' : file, 'utf8');
  } catch (cause) {
    throw new UsageError(`${file} cannot be read: ${reasonOf(cause)}`, { cause });
  }
}

/** Why the system refused a file. */
export function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException; // what node:fs throws has a code
  return code === 'ENOENT' ? 'there is no such file (ENOENT)' : (code ?? String(error));
}
