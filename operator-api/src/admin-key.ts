import { FieldgateError, hashSecret, SALT_BYTES } from '@fieldgate/contracts';
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

export interface AdminKey {
  /** `sha256$salt$hash`: the key itself is nowhere kept. */
  readonly hash: string;
  /** Only at the start that made it: to be shown to the operator once. */
  readonly generated?: string;
}

const FILE_NAME = 'admin-key';
const KEY_BYTES = 24;

/**
 * The key that operators send. What the environment says counts; else the one of an earlier start; else a new one, whose hash is on the
 * disk before it is returned. `dataDir` is undefined when the log is Kafka: several processes must then share a key that was set.
 */
export async function loadAdminKey(from: {
  readonly dataDir: string | undefined;
  readonly configured: string | undefined;
}): Promise<AdminKey> {
  if (from.configured !== undefined) return { hash: hashSecret(from.configured, randomBytes(SALT_BYTES)) };
  if (from.dataDir === undefined) {
    throw new FieldgateError('config-invalid', 'FIELDGATE_ADMIN_KEY: must be set when the log is Kafka');
  }
  const kept = await keptHash(join(from.dataDir, FILE_NAME));
  return kept === undefined ? generate(from.dataDir) : { hash: kept };
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

async function generate(dataDir: string): Promise<AdminKey> {
  const generated = randomBytes(KEY_BYTES).toString('base64url');
  const hash = hashSecret(generated, randomBytes(SALT_BYTES));
  const file = join(dataDir, FILE_NAME);
  try {
    await mkdir(dataDir, { recursive: true });
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
  return { hash, generated };
}
