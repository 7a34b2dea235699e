import { FieldgateError, hashSecret, SALT_BYTES, tokenOf } from '@fieldgate/contracts';
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface AdminKey {
  /** `sha256$salt$hash`: the key itself is nowhere kept. */
  readonly hash: string;
  /** Where the hash of an earlier start stands. */
  readonly file?: string;
  /** Only at the start that made it. */
  readonly generated?: GeneratedKey;
}

/** To be shown to the operator once, and then kept: a start that fails before that must not leave the hash of a key that nobody has seen. */
export interface GeneratedKey {
  readonly key: string;
  /** Resolves when the hash is on the disk. */
  keep(): Promise<void>;
}

const FILE_NAME = 'admin-key';
const KEY_BYTES = 24;

/**
 * The key that operators send. What the environment says counts; else the one of an earlier start; else a new one. `dataDir` is undefined
 * when the log is Kafka: several processes must then share a key that was set.
 */
export async function loadAdminKey(from: {
  readonly dataDir: string | undefined;
  readonly configured: string | undefined;
}): Promise<AdminKey> {
  if (from.configured !== undefined) return { hash: hashSecret(from.configured, randomBytes(SALT_BYTES)) };
  if (from.dataDir === undefined) {
    throw new FieldgateError('config-invalid', 'FIELDGATE_ADMIN_KEY: must be set when the log is Kafka');
  }
  const file = join(from.dataDir, FILE_NAME);
  const kept = await keptHash(file);
  if (kept !== undefined) return { hash: kept, file };
  const key = tokenOf(randomBytes(KEY_BYTES));
  const hash = hashSecret(key, randomBytes(SALT_BYTES));
  return { hash, generated: { key, keep: () => keep(hash, file) } };
}

async function keptHash(file: string): Promise<string | undefined> {
  try {
    const hash = (await readFile(file, 'utf8')).trim();
    if (/^sha256\$[\w-]{22}\$[\w-]{43}$/.test(hash)) return hash;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // what node:fs throws has a code
    throw new FieldgateError('data-dir-unusable', `${file} cannot be read`, { cause });
  }
  throw new FieldgateError(
    'data-damaged',
    `${file} holds no admin key: remove the file to get a new key at the next start`,
  );
}

async function keep(hash: string, file: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    // renamed when complete: a crash in between leaves no half a hash, which no key would open
    const unfinished = await open(`${file}.new`, 'w', 0o600);
    try {
      await unfinished.writeFile(`${hash}\n`);
      await unfinished.sync();
    } finally {
      await unfinished.close();
    }
    await rename(`${file}.new`, file);
  } catch (cause) {
    throw new FieldgateError('data-dir-unusable', `${file} cannot be written`, { cause });
  }
}
