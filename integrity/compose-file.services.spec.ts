import { beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { composeConfig, readCompose, serviceOf, type Compose } from './support/compose/compose-file.js';
import { Program } from './support/program.js';
import { atEndOfEachTest } from './support/at-end.js';
import { temporaryFolder } from './support/temporary-folder.js';

const FILE = 'docker-compose.yml';
const OURS = ['gateway', 'processors', 'operator-api', 'sim'];
const SERVICES = [
  'kafka',
  'influxdb',
  'gateway',
  'processors',
  'operator-api',
  'sim',
  'prometheus',
  'grafana',
];
const DEBIAN_PYTHON = '/usr/bin/python3'; // docker-compose is written in it
const SPOOL_VOLUME = 'gateway-data:/data:rw';
const SECRET = /PASSWORD|SECRET|_KEY$/;
const atEnd = atEndOfEachTest();

let compose: Compose;
let values: ReadonlyMap<string, string>;

beforeAll(async () => {
  const folder = await temporaryFolder();
  values = await written(folder.path);
  compose = await readCompose(FILE, join(folder.path, '.env'));
  await folder.remove();
});

describe('docker-compose.yml', () => {
  it('is as the schema of the compose specification wants it', async () => {
    const validate = `
import json, jsonschema, pathlib, sys, yaml
import compose.config as config
schema = json.loads((pathlib.Path(config.__file__).parent / 'compose_spec.json').read_text())
for error in jsonschema.Draft7Validator(schema).iter_errors(yaml.safe_load(open(sys.argv[1]))):
    print(list(error.path), error.message)
`;
    expect(await new Program(DEBIAN_PYTHON, ['-c', validate, FILE]).ended()).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
  });

  it('has the services, of which only the simulated fleet waits for its profile', () => {
    expect(Object.keys(compose.services).toSorted()).toEqual(SERVICES.toSorted());
    const profiled = Object.entries(compose.services).filter(([, { profiles }]) => profiles.length > 0);
    expect(profiled.map(([name, { profiles }]) => [name, profiles])).toEqual([['sim', ['sim']]]);
  });

  it.each(SERVICES)('%s restarts, is limited and says whether it is well', (name) => {
    const { restart, deploy, healthcheck, security_opt: options, image } = serviceOf(compose, name);
    expect(restart).toBe('unless-stopped');
    expect(deploy?.resources.limits.cpus).toBeGreaterThan(0);
    expect(deploy?.resources.limits.memory).toMatch(/^\d+[MG]$/);
    expect(options).toEqual(['no-new-privileges:true']);
    expect(image).not.toMatch(/:latest$|^[^:]*$/);
    const own = healthcheck?.test[0];
    if (name === 'sim') expect(own).toBe('NONE');
    else expect(own).toBe(OURS.includes(name) ? undefined : 'CMD'); // undefined: HEALTHCHECK of the image
  });

  it.each(OURS)(
    '%s can write nowhere (the gateway: to the volume of its spool), and has no capabilities',
    (name) => {
      const { read_only: readOnly, cap_drop: dropped, volumes } = serviceOf(compose, name);
      expect(readOnly).toBe(true);
      expect(dropped).toEqual(['ALL']);
      const writable = volumes.filter((volume) => !volume.endsWith(':ro'));
      expect(writable).toEqual(name === 'gateway' ? [SPOOL_VOLUME] : []);
    },
  );

  it('keeps the spool of the gateway in a volume, where the image has its data directory, and under an id that stays', () => {
    const image = readFileSync('Dockerfile', 'utf8');
    const [, directory = ''] = /^ENV FIELDGATE_DATA_DIR=(.*)$/m.exec(image) ?? [];
    const { environment } = serviceOf(compose, 'gateway');
    expect(environment).toMatchObject({ FIELDGATE_GATEWAY_ID: 'gateway-1' });
    expect(environment).not.toHaveProperty('FIELDGATE_DATA_DIR');
    expect(SPOOL_VOLUME.split(':')[1]).toBe(directory);
    expect(image).toMatch(new RegExp(`^RUN install -d -o 1000 -g 1000 -m 0700 ${directory}$`, 'm')); // a new volume is a copy of it
    expect(compose.volumes).toHaveProperty('gateway-data');
  });

  it('gives services time to stop in order: more than the 10 s after which Fieldgate ends itself', () => {
    for (const name of OURS) expect(serviceOf(compose, name).stop_grace_period).toBe('20s');
  });

  it('opens its ports to this machine alone, and none of Kafka, InfluxDB and processors', () => {
    const published = Object.values(compose.services).flatMap(({ ports }) => ports);
    expect(published.toSorted()).toEqual(
      [1883, 3000, 8080, 9090].map((port) => `127.0.0.1:${port}:${port}/tcp`).toSorted(),
    );
    expect(compose.networks['inside']?.internal).toBe(true);
    for (const name of ['kafka', 'influxdb'])
      expect(Object.keys(serviceOf(compose, name).networks)).toEqual(['inside']);
  });

  it('gives devices TLS with the addition that docs/containers.md shows', async () => {
    const [, override = ''] =
      /`docker-compose\.override\.yml`[^\n]*\n\n```yaml\n(.*?)^```/ms.exec(
        readFileSync('docs/containers.md', 'utf8'),
      ) ?? [];
    const folder = await temporaryFolder();
    atEnd(() => folder.remove());
    const file = join(folder.path, 'docker-compose.override.yml');
    writeFileSync(file, override);
    await written(folder.path);
    const both = await readCompose(FILE, join(folder.path, '.env'), [file]);
    const { environment, ports, volumes } = serviceOf(both, 'gateway');
    expect(ports).toEqual(['127.0.0.1:1883:1883/tcp', '0.0.0.0:8883:8883/tcp']);
    expect(volumes.toSorted()).toEqual([expect.stringMatching(/\/tls:\/run\/tls:ro$/), SPOOL_VOLUME]);
    expect(environment).toMatchObject({
      FIELDGATE_MQTT_TLS_PORT: '8883',
      FIELDGATE_MQTT_TLS_CERT_FILE: '/run/tls/cert.pem',
      FIELDGATE_MQTT_TLS_KEY_FILE: '/run/tls/key.pem',
    });
  });

  it('mounts what is there', () => {
    const mounted = Object.values(compose.services).flatMap(({ volumes }) =>
      volumes.map((volume) => volume.split(':')),
    );
    expect(mounted.length).toBeGreaterThan(5);
    for (const [source = ''] of mounted)
      expect([source, source.startsWith('/') ? existsSync(source) : source in compose.volumes]).toEqual([
        source,
        true,
      ]);
    const rules = serviceOf(compose, 'processors').environment['FIELDGATE_RULES_FILE'] ?? '';
    expect(existsSync(join('examples', rules.replace('/rules/', '')))).toBe(true);
  });

  it('runs the Kafka that the tests run', () => {
    const version = /<artifactId>kafka_2\.13<\/artifactId>\s*<version>(.*)<\/version>/.exec(
      readFileSync('ops/services/kafka/pom.xml', 'utf8'),
    )?.[1];
    expect(serviceOf(compose, 'kafka').image).toBe(`apache/kafka:${version}`);
  });

  it('has every process scraped by Prometheus', () => {
    const config = parse(readFileSync('ops/prometheus/prometheus.yml', 'utf8')) as {
      scrape_configs: { static_configs: { targets: string[] }[] }[];
    };
    const targets = config.scrape_configs.flatMap(({ static_configs: [first] }) => first?.targets ?? []);
    expect(targets).toEqual(['gateway:8080', 'processors:8080', 'operator-api:8080']);
  });
});

describe('secrets', () => {
  it('come from .env alone, and each from a variable of its own', () => {
    const made = new Set(values.values());
    const secrets = Object.values(compose.services).flatMap(({ environment }) =>
      Object.entries(environment).filter(([name]) => SECRET.test(name)),
    );
    expect(new Set(secrets.map(([, value]) => value)).size).toBe(6);
    for (const [name, value] of secrets) expect([name, made.has(value)]).toEqual([name, true]);
    const urls = ['processors', 'operator-api'].map(
      (name) => new URL(serviceOf(compose, name).environment['FIELDGATE_INFLUX_URL'] ?? ''),
    );
    expect(urls.map(({ username, password }) => [username, password])).toEqual([
      ['fieldgate', values.get('INFLUXDB_PASSWORD')],
      ['reader', values.get('INFLUXDB_READER_PASSWORD')],
    ]);
  });

  it('are asked for by name and command when one is missing', async () => {
    const folder = await temporaryFolder();
    atEnd(() => folder.remove());
    for (const name of values.keys()) {
      const others = [...values].filter(([other]) => other !== name);
      writeFileSync(join(folder.path, '.env'), others.map(([key, value]) => `${key}=${value}\n`).join(''));
      const { code, stderr } = await composeConfig(FILE, join(folder.path, '.env'));
      expect([name, code]).toEqual([name, 1]);
      expect(stderr).toContain(`\${${name}:?`);
      expect(stderr).toMatch(/run npm run compose:env first\s*$/);
    }
  }, 60_000);

  it('are random, long, and readable by their owner alone', async () => {
    const folder = await temporaryFolder();
    atEnd(() => folder.remove());
    const others = await written(folder.path);
    expect([...others.keys()]).toEqual([...values.keys()]);
    for (const [name, value] of others) {
      expect(value).not.toBe(values.get(name));
      expect(value).toMatch(name === 'KAFKA_CLUSTER_ID' ? /^[A-Za-z0-9][\w-]{21}$/ : /^[0-9a-f]{48}$/);
    }
    expect(statSync(join(folder.path, '.env')).mode & 0o777).toBe(0o600);
  });

  it('that are there stay as they are; only what is missing or empty is added', async () => {
    const folder = await temporaryFolder();
    atEnd(() => folder.remove());
    const file = join(folder.path, '.env');
    writeFileSync(
      file,
      '# mine\nGRAFANA_ADMIN_PASSWORD=chosen by me\nFIELDGATE_ADMIN_KEY=\nHTTP_PUBLISH=0.0.0.0:80',
    );
    const said = await makeEnvironment(folder.path);
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(
      '# mine\nGRAFANA_ADMIN_PASSWORD=chosen by me\nFIELDGATE_ADMIN_KEY=\nHTTP_PUBLISH=0.0.0.0:80\n',
    );
    expect(text.match(/GRAFANA_ADMIN_PASSWORD/g)).toHaveLength(1);
    expect(text).toMatch(/\nFIELDGATE_ADMIN_KEY=[0-9a-f]{48}\n/);
    for (const line of text.split('\n').filter((each) => /=[0-9a-f]{48}$/.test(each)))
      expect(said).not.toContain(line.split('=')[1]); // never printed
    const resolved = await readCompose(FILE, file);
    expect(serviceOf(resolved, 'grafana').environment['GF_SECURITY_ADMIN_PASSWORD']).toBe('chosen by me');
    expect(serviceOf(resolved, 'operator-api').environment['FIELDGATE_ADMIN_KEY']).toMatch(/^[0-9a-f]{48}$/);
    expect(serviceOf(resolved, 'operator-api').ports).toEqual(['0.0.0.0:80:8080/tcp']);

    expect(await makeEnvironment(folder.path)).toContain('nothing changed');
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});

/** What `npm run compose:env` says. */
async function makeEnvironment(folder: string): Promise<string> {
  const { code, stdout, stderr } = await new Program(process.execPath, [
    'ops/compose-env.mjs',
    folder,
  ]).ended();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** The variables that it writes into an empty folder. */
async function written(folder: string): Promise<Map<string, string>> {
  await makeEnvironment(folder);
  const lines = readFileSync(join(folder, '.env'), 'utf8').matchAll(/^(\w+)=(.+)$/gm);
  return new Map([...lines].map(([, name = '', value = '']) => [name, value]));
}
