import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { FieldgateError } from '@fieldgate/contracts';
import type { BlockStore } from './block-store.js';
import { reasonOf } from './system-error.js';

const FILE = 'first-commit';
const TEXT = 'The log has been written: data.mdb belongs beside this file.\n';

/** Without this file, a data file that was lost or emptied would look like that of a first start. */
export function hasFirstCommit(directory: string): boolean {
  return existsSync(join(directory, FILE));
}

/** On disk when it resolves, and the data file before it: a kill or a power cut must not leave this file alone. */
export async function noteFirstCommit(store: BlockStore): Promise<void> {
  const { directory } = store;
  if (hasFirstCommit(directory)) return;
  const path = join(directory, FILE);
  try {
    await store.commit({ facts: [['begun', 1]] });
    await sync(directory);
    const note = await open(path, 'w');
    try {
      await note.writeFile(TEXT);
      await note.sync();
    } finally {
      await note.close();
    }
    await sync(directory);
  } catch (cause) {
    throw new FieldgateError('data-dir-unusable', `${path} cannot be written: ${reasonOf(cause)}`, { cause });
  }
}

async function sync(directory: string): Promise<void> {
  const names = await open(directory, 'r');
  try {
    await names.sync();
  } finally {
    await names.close();
  }
}
