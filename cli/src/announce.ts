import type { Running } from './start.js';

/**
 * Tells a person, once, that everything works and how to go on; the log has the same for machines. A new admin key is kept from here on: what
 * ends a start before leaves nothing behind that would keep the next one from making a key. Rejects when it cannot be kept.
 */
export async function announce(running: Running, startedAt: bigint): Promise<void> {
  const ms = Number((process.hrtime.bigint() - startedAt) / 1_000_000n);
  const mqtt = running.mqttUrl();
  running.logger.info({ ms, http: running.httpUrl, ...(mqtt === undefined ? {} : { mqtt }) }, 'ready');
  const { generated, file } = running.adminKey ?? {};
  if (file !== undefined)
    running.logger.info(
      { file },
      'admin key as printed at the first start; remove the file and start again for a new one',
    );
  if (generated !== undefined) {
    process.stdout.write(
      `
The admin key of this installation, shown only now (its hash is kept in the data directory):

  export KEY=${generated.key}
  export FIELDGATE_ADMIN_KEY=${generated.key}   # for npx fieldgate, see --help

Register a device with it:

  curl -s -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '{"id":"pump-7"}' ${running.httpUrl}/v1/devices

`,
    );
    await generated.keep();
  }
}
