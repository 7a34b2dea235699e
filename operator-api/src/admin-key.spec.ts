import { secretMatches } from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAdminKey } from './admin-key.js';

let root: string;
let dataDir: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fieldgate-admin-key-'));
  dataDir = join(root, 'data');
});

afterEach(() => rm(root, { recursive: true, force: true }));

describe('the admin key', () => {
  it('is generated at the first start, kept as a hash that only we can read, and never shown again', async () => {
    const first = await loadAdminKey({ dataDir, configured: undefined });
    const key = first.generated ?? '';
    expect(Buffer.from(key, 'base64url').length).toBeGreaterThanOrEqual(16); // 128 bit
    expect(secretMatches(key, first.hash)).toBe(true);
    expect(await readFile(join(dataDir, 'admin-key'), 'utf8')).toBe(`${first.hash}\n`);
    expect((await stat(join(dataDir, 'admin-key'))).mode & 0o777).toBe(0o600);
    expect(await loadAdminKey({ dataDir, configured: undefined })).toEqual({ hash: first.hash });
  });

  it('is what the environment says, and then nothing is written', async () => {
    const { hash, generated } = await loadAdminKey({ dataDir, configured: 'sixteen-characters' });
    expect(secretMatches('sixteen-characters', hash)).toBe(true);
    expect(generated).toBeUndefined();
    await expect(stat(dataDir)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('must be set when the log is Kafka', async () => {
    await expect(loadAdminKey({ dataDir: undefined, configured: undefined })).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('FIELDGATE_ADMIN_KEY'),
    });
  });

  it('is not replaced when its file is damaged', async () => {
    await mkdir(dataDir);
    await writeFile(join(dataDir, 'admin-key'), 'sha256$half');
    await expect(loadAdminKey({ dataDir, configured: undefined })).rejects.toMatchObject({
      code: 'data-damaged',
    });
  });

  it('names the data directory that cannot be written', async () => {
    await writeFile(dataDir, 'a file where the directory should be');
    await expect(loadAdminKey({ dataDir, configured: undefined })).rejects.toMatchObject({
      code: 'data-dir-unusable',
    });
  });
});
