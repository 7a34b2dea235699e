import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { FieldgateError } from '@fieldgate/contracts';
import type { Logger } from '@fieldgate/service';

/** How often the files are looked at. By reading: a certificate that is renewed is often a link that points elsewhere. */
const LOOK_MS = 10_000;

export interface CertificateFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** The certificate and the key of the TLS listeners, read again when they change; a pair that does not fit leaves the last good one in force. */
export class Certificate {
  private current: CertificateFiles;
  private readonly listeners = new Set<(files: CertificateFiles) => void>();
  private timer: NodeJS.Timeout | undefined;
  private refused = '';

  /** Throws `config-invalid` when the files cannot be used. */
  constructor(
    private readonly paths: { readonly certFile: string; readonly keyFile: string },
    private readonly logger: Logger,
  ) {
    try {
      this.current = this.read();
    } catch (error) {
      const detail = `FIELDGATE_MQTT_TLS_CERT_FILE and FIELDGATE_MQTT_TLS_KEY_FILE: ${messageOf(error)}`;
      throw new FieldgateError('config-invalid', detail, { cause: error });
    }
  }

  get files(): CertificateFiles {
    return this.current;
  }

  /** Returns how to stop listening. */
  changes(listener: (files: CertificateFiles) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  watch(): void {
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Reads the files; called by the clock. */
  look(): void {
    let files: CertificateFiles;
    try {
      files = this.read();
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== this.refused)
        this.logger.warn({ reason, code: 'config-invalid' }, 'new certificate not usable, the old one stays');
      this.refused = reason;
      return;
    }
    this.refused = '';
    if (files.cert.equals(this.current.cert) && files.key.equals(this.current.key)) return;
    this.current = files;
    for (const listener of this.listeners) listener(files);
    this.logger.info('certificate changed; new connections see it');
  }

  private read(): CertificateFiles {
    const files = { cert: readFileSync(this.paths.certFile), key: readFileSync(this.paths.keyFile) };
    // each throws when it cannot be used, in the words of OpenSSL, which do not name the file
    const { certFile, keyFile } = this.paths;
    named(certFile, () => createSecureContext({ cert: files.cert }));
    named(keyFile, () => createSecureContext({ key: files.key }));
    named(`${keyFile} does not belong to ${certFile}`, () => createSecureContext(files));
    return files;
  }
}

function named(name: string, act: () => unknown): void {
  try {
    act();
  } catch (error) {
    throw new Error(`${name}: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
