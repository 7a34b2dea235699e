// npm run compose:env: gives docker-compose.yml its secrets. Writes what is missing in .env, at random; never changes and never prints
// a value that is there.
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

// hex and base64url need no quoting, neither in .env nor in the URL of the database
const secret = () => randomBytes(24).toString('hex');
const MADE = new Map([
  ['KAFKA_CLUSTER_ID', clusterId],
  ['INFLUXDB_ADMIN_PASSWORD', secret],
  ['INFLUXDB_PASSWORD', secret],
  ['INFLUXDB_READER_PASSWORD', secret],
  ['GRAFANA_ADMIN_PASSWORD', secret],
  ['FIELDGATE_ADMIN_KEY', secret],
  ['FIELDGATE_WEBHOOK_SECRET', secret],
]);
const HEAD = `# Written by npm run compose:env for docker-compose.yml. Keep it: the databases know these passwords from their first start on.
# What may stand here too: docs/containers.md
`;

const [folder = '.'] = process.argv.slice(2);
const file = resolve(join(folder, '.env'));
const before = existsSync(file) ? readFileSync(file, 'utf8') : HEAD;
const missing = [...MADE.keys()].filter((name) => valueOf(name) === '');
if (missing.length > 0) write(missing);
else chmodSync(file, 0o600);
console.log(
  missing.length > 0
    ? `${file}: added ${missing.join(', ')}`
    : `${file}: everything is there; nothing changed`,
);

/** Not a secret, but Kafka keeps its data under it. 16 bytes that never begin with `-`, which its tools would take for an option. */
function clusterId() {
  const bytes = randomBytes(16);
  bytes[0] &= 0x7f;
  return bytes.toString('base64url');
}

/** Of the last line with this name, as compose reads it; '' also when there is none. */
function valueOf(name) {
  const lines = [...before.matchAll(new RegExp(`^[ \\t]*(?:export[ \\t]+)?${name}[ \\t]*=(.*)$`, 'gm'))];
  return (lines.at(-1)?.[1] ?? '').trim();
}

/** In one step: an .env cut short would lose passwords that the databases already have. Readable by its owner alone. */
function write(names) {
  const text = before === '' || before.endsWith('\n') ? before : `${before}\n`;
  const beside = `${file}.new`;
  writeFileSync(beside, `${text}${names.map((name) => `${name}=${MADE.get(name)()}\n`).join('')}`, {
    mode: 0o600,
  });
  chmodSync(beside, 0o600);
  renameSync(beside, file);
}
