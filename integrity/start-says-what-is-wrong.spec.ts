import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { atEndOfEachTest } from './support/at-end.js';
import { FieldgateProcess } from './support/fieldgate-process.js';
import { expectRefusedStart } from './support/refused-start.js';
import { temporaryFolder } from './support/temporary-folder.js';

const USABLE = 'Make FIELDGATE_DATA_DIR a writable directory that no other process uses.';

const atEnd = atEndOfEachTest();

async function folder(): Promise<string> {
  const created = await temporaryFolder();
  atEnd(() => created.remove());
  return created.path;
}

/** Whether the admin key is to be kept in it or not. */
async function expectUnusable(path: string): Promise<void> {
  const says = [path, '[data-dir-unusable]', USABLE];
  await Promise.all([
    expectRefusedStart({ FIELDGATE_DATA_DIR: path }, says),
    expectRefusedStart({ FIELDGATE_DATA_DIR: path, FIELDGATE_ADMIN_KEY: '' }, says),
  ]);
}

describe('a start on a data directory', () => {
  it('that is a file', async () => {
    const path = join(await folder(), 'data');
    await writeFile(path, 'not a directory');
    await expectUnusable(path);
  });

  it('that may not be written', async () => {
    await expectUnusable(await unwritable());
  });

  it.each(['log/data.mdb', 'store/telemetry.duckdb', 'admin-key'])('whose %s is garbage', async (name) => {
    const path = await folder();
    const file = join(path, name);
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, 'garbage'.repeat(4_000));
    await expectRefusedStart({ FIELDGATE_DATA_DIR: path, FIELDGATE_ADMIN_KEY: '' }, [
      file,
      '[data-damaged]',
      'Restore the backup, or move the directory away to start empty.',
    ]);
  });

  it('that another process uses, which goes on', async () => {
    const path = await folder();
    const first = await FieldgateProcess.start({ FIELDGATE_DATA_DIR: path });
    atEnd(() => first.kill());
    const files = await readdir(path);
    await expectRefusedStart({ FIELDGATE_DATA_DIR: path }, [
      path,
      String(first.pid),
      '[data-dir-unusable]',
      USABLE,
    ]);
    expect(await readdir(path)).toEqual(files);
    expect((await fetch(`${await first.httpUrl()}/readyz`)).status).toBe(200);
    expect(await first.stop()).toBe(0);
  });
});

describe('a start with a port that is taken', () => {
  it.each(['MQTT', 'HTTP'])('for %s', async (protocol) => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    atEnd(() => void other.close());
    const { port } = other.address() as AddressInfo; // a TCP server that listens has one
    const variable = `FIELDGATE_${protocol}_PORT`;
    const advice = 'Stop the other program or choose another port.';
    const stderr = await expectRefusedStart(
      { FIELDGATE_DATA_DIR: await folder(), [variable]: String(port) },
      [protocol, `127.0.0.1:${port}`, variable, `[port-taken] ${advice}`],
    );
    expect(stderr.replace(advice, '')).not.toMatch(/\b(stop|choose|set)\b/i); // said once
  });

  it('leaves no admin key that nobody has seen: the next start prints one, and the one after says where it is', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    atEnd(() => void other.close());
    const { port } = other.address() as AddressInfo; // a TCP server that listens has one
    const environment = { FIELDGATE_DATA_DIR: await folder(), FIELDGATE_ADMIN_KEY: '' };
    await expectRefusedStart({ ...environment, FIELDGATE_HTTP_PORT: String(port) }, ['[port-taken]']);

    const first = await FieldgateProcess.start(environment);
    atEnd(() => first.kill());
    await first.lines.until((all) => all.some((line) => line.includes('export KEY=')));
    const key = /export KEY=(\S+)/.exec(first.lines.all.join('\n'))?.[1] ?? '';
    const devices = { headers: { Authorization: `Bearer ${key}` } };
    expect((await fetch(`${await first.httpUrl()}/v1/devices`, devices)).status).toBe(200);
    expect(await first.stop()).toBe(0);

    const second = await FieldgateProcess.start(environment);
    atEnd(() => second.kill());
    const said = await second.said(
      'admin key as printed at the first start; remove the file and start again for a new one',
    );
    expect(said['file']).toBe(join(environment.FIELDGATE_DATA_DIR, 'admin-key'));
    expect(second.lines.all.join('\n')).not.toContain('export KEY=');
    expect((await fetch(`${await second.httpUrl()}/v1/devices`, devices)).status).toBe(200);
    expect(await second.stop()).toBe(0);
  });
});

describe('a start with a setting that is wrong', () => {
  it('names each of them and what it must be, and repeats no value', async () => {
    const wrong = [
      ['FIELDGATE_MQTT_PORT', '70000', 'a whole number from 0 to 65535'],
      ['FIELDGATE_HTTP_PORT', 'eighty', 'a whole number from 0 to 65535'],
      ['FIELDGATE_LOG_LEVEL', 'loud', '"info"'],
      ['FIELDGATE_KAFKA_BROKERS', 'kafka', 'host:port'],
      ['FIELDGATE_INFLUX_URL', 'ftp://user:hush@host/database', 'http://user:password@host:8086/database'],
      ['FIELDGATE_GATEWAY_ID', 'gateway one', 'letters, digits'],
      ['FIELDGATE_ADMIN_KEY', 'hush', '16 to 256'],
    ] as const;
    const environment = Object.fromEntries(wrong.map(([name, value]) => [name, value]));
    const said = wrong.flatMap(([name, , expected]) => [`${name}: `, expected]);
    const stderr = await expectRefusedStart(environment, [...said, '[config-invalid]']);
    expect(stderr).not.toContain('hush');
  });

  it('says of a certificate that is none in one line', async () => {
    const file = join(await folder(), 'none.pem');
    await writeFile(file, 'no certificate');
    const stderr = await expectRefusedStart(
      {
        FIELDGATE_DATA_DIR: await folder(),
        FIELDGATE_MQTT_TLS_PORT: '0',
        FIELDGATE_MQTT_TLS_CERT_FILE: file,
        FIELDGATE_MQTT_TLS_KEY_FILE: file,
      },
      ['FIELDGATE_MQTT_TLS_CERT_FILE', '[config-invalid]'],
    );
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it.each(['MQTT', 'HTTP'])('names the %s address that this machine does not have', async (protocol) => {
    const variable = `FIELDGATE_${protocol}_HOST`;
    const address = '203.0.113.9'; // of no machine (RFC 5737)
    const environment = { FIELDGATE_DATA_DIR: await folder(), [variable]: address };
    await expectRefusedStart(environment, [variable, address, '[config-invalid]']);
  });

  it('names FIELDGATE_ADMIN_KEY with Kafka, which has no place for a generated one', async () => {
    const environment = { FIELDGATE_KAFKA_BROKERS: '127.0.0.1:9', FIELDGATE_ADMIN_KEY: '' };
    await expectRefusedStart(environment, ['FIELDGATE_ADMIN_KEY', 'Kafka', '[config-invalid]']);
  });

  it('names what one role alone needs: Kafka, and InfluxDB where the store is used in two processes', async () => {
    const kafka = { FIELDGATE_KAFKA_BROKERS: '127.0.0.1:9' };
    await Promise.all([
      expectRefusedStart({}, ['FIELDGATE_KAFKA_BROKERS', 'gateway', '[config-invalid]'], ['gateway']),
      expectRefusedStart(kafka, ['FIELDGATE_INFLUX_URL', '[config-invalid]'], ['processors']),
      expectRefusedStart(kafka, ['FIELDGATE_INFLUX_URL', '[config-invalid]'], ['operator-api']),
    ]);
  });
});

/** Root writes where the mode forbids it, but not everywhere. */
async function unwritable(): Promise<string> {
  if (process.getuid?.() === 0) return '/sys/fieldgate-data';
  const path = join(await folder(), 'read-only');
  await mkdir(path);
  await chmod(path, 0o555);
  return path;
}
