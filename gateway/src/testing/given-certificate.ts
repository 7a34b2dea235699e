import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { atEndOfTest } from './given-gateway.js';

export interface GivenCertificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** Writes a new pair into the same files. */
  renew(name: string): Promise<void>;
}

/** Of `first.example`, in PEM files of the test's own. */
export async function givenCertificate(): Promise<GivenCertificate> {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-tls-'));
  atEndOfTest(() => Promise.resolve(rmSync(folder, { recursive: true })));
  const certFile = join(folder, 'cert.pem');
  const keyFile = join(folder, 'key.pem');
  const renew = async (name: string): Promise<void> => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: name }], { keyType: 'ec' });
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
  };
  await renew('first.example');
  return { certFile, keyFile, renew };
}
