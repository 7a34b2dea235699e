import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { WebhookSettings } from '@fieldgate/alert-rules';
import { FieldgateError } from '@fieldgate/contracts';
import type { NotifyConfig } from '../notify.config.js';

const LEAST_BYTES = 16;

/** The key that signs for a webhook: of its own file, else the one of all. Throws `config-invalid`, which never holds the secret. */
export async function webhookKey(
  { secretFile }: WebhookSettings['webhook'],
  config: NotifyConfig,
): Promise<Buffer> {
  if (secretFile !== undefined) return keyOf(await textOf(secretFile, config), `secretFile ${secretFile}`);
  if (config.webhookSecret !== undefined) return keyOf(config.webhookSecret, 'FIELDGATE_WEBHOOK_SECRET');
  throw new FieldgateError(
    'config-invalid',
    'needs a secretFile, or FIELDGATE_WEBHOOK_SECRET for all webhooks',
  );
}

/** https://www.standardwebhooks.com: `v1,` and the base64 of HMAC-SHA256 over id, seconds and body, with dots in between. */
export function signatureOf(
  key: Buffer,
  signed: { readonly id: string; readonly seconds: number; readonly body: Uint8Array },
): string {
  const hmac = createHmac('sha256', key).update(`${signed.id}.${signed.seconds}.`).update(signed.body);
  return `v1,${hmac.digest('base64')}`;
}

/** `whsec_` and base64, as the libraries of Standard Webhooks write it; anything else signs as it stands. */
function keyOf(secret: string, from: string): Buffer {
  const key = secret.startsWith('whsec_')
    ? Buffer.from(secret.slice('whsec_'.length), 'base64')
    : Buffer.from(secret);
  if (key.byteLength >= LEAST_BYTES) return key;
  throw new FieldgateError('config-invalid', `${from} must hold at least ${LEAST_BYTES} characters`);
}

async function textOf(secretFile: string, { rulesFile }: NotifyConfig): Promise<string> {
  const path = rulesFile === undefined ? resolve(secretFile) : resolve(dirname(rulesFile), secretFile);
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    throw new FieldgateError('config-invalid', `secretFile ${secretFile} cannot be read`, { cause: error });
  }
}
