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
    const key = first.generated?.key ?? '';
    expect(Buffer.from(key, 'base64url').length).toBeGreaterThanOrEqual(16); // 128 bit
    expect(secretMatches(key, first.hash)).toBe(true);
    await first.generated?.keep();
    expect(await readFile(join(dataDir, 'admin-key'), 'utf8')).toBe(`${first.hash}\n`);
    expect((await stat(join(dataDir, 'admin-key'))).mode & 0o777).toBe(0o600);
    expect(await loadAdminKey({ dataDir, configured: undefined })).toEqual({
      hash: first.hash,
      file: join(dataDir, 'admin-key'),
    });
  });

  it('is another one at the next start when this one was not kept', async () => {
    const first = await loadAdminKey({ dataDir, configured: undefined });
    await expect(stat(dataDir)).rejects.toMatchObject({ code: 'ENOENT' });
    const second = await loadAdminKey({ dataDir, configured: undefined });
    expect(second.generated?.key).toEqual(expect.any(String));
    expect(second.hash).not.toBe(first.hash);
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
    const { generated } = await loadAdminKey({ dataDir, configured: undefined });
    await writeFile(dataDir, 'a file where the directory should be');
    const unusable = { code: 'data-dir-unusable', message: expect.stringContaining(dataDir) };
    await expect(generated?.keep()).rejects.toMatchObject(unusable);
    await expect(loadAdminKey({ dataDir, configured: undefined })).rejects.toMatchObject(unusable);
  });
});
