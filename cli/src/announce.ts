import type { Running } from './start.js';

/** Tells a person, once, that everything works and how to go on; the log has the same for machines. */
export function announce(running: Running, startedAt: bigint): void {
  const ms = Number((process.hrtime.bigint() - startedAt) / 1_000_000n);
  const mqtt = running.mqttUrl();
  running.logger.info({ ms, http: running.httpUrl, ...(mqtt === undefined ? {} : { mqtt }) }, 'ready');
  if (running.adminKey?.isNew) {
    process.stdout.write(
      `
The admin key of this installation, shown only now (its hash is kept in the data directory):

  export KEY=${running.adminKey.key}
  export FIELDGATE_ADMIN_KEY=${running.adminKey.key}   # for npx fieldgate, see --help

Register a device with it:

  curl -s -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '{"id":"pump-7"}' ${running.httpUrl}/v1/devices

`,
    );
  }
}
