import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { startPrometheus } from '../ops/services/prometheus-server.mjs';
import { readCompose, serviceOf, type Compose } from './support/compose/compose-file.js';
import { NativeImage } from './support/compose/native-image.js';
import { NativeStack } from './support/compose/native-stack.js';
import { Operator, until } from './support/operator.js';
import { Program } from './support/program.js';
import { temporaryFolder } from './support/temporary-folder.js';

const ROLES = ['gateway', 'processors', 'operator-api'] as const;
const WAIT_MS = 30_000;
const ALERTS_FILE = fileURLToPath(new URL('../ops/prometheus/alerts.yml', import.meta.url));

let compose: Compose;
let image: NativeImage;
let stack: NativeStack;

beforeAll(async () => {
  const folder = await temporaryFolder();
  const { code } = await new Program(process.execPath, ['ops/compose-env.mjs', folder.path]).ended();
  expect(code).toBe(0);
  compose = await readCompose('docker-compose.yml', join(folder.path, '.env'));
  await folder.remove();
  image = await NativeImage.build();
  stack = await NativeStack.withServices(compose, image);
  for (const role of ROLES) await stack.start(role);
}, 600_000); // npm ci, a build and npm prune

afterAll(async () => {
  await stack?.stop();
  image?.remove();
}, 60_000);

it('the image has no tests, no tools of development and no root', () => {
  const files = filesOf(image.path('/fieldgate'));
  expect(files).toContain('cli/dist/fieldgate.js');
  expect(files.filter((file) => /^(?!node_modules\/).*\.spec\.|(^|\/)\.env/.test(file))).toEqual([]);
  for (const tool of ['jest', 'typescript', 'prettier', 'oxlint', '@swc/core'])
    expect(files.filter((file) => file.startsWith(`node_modules/${tool}/`))).toEqual([]);
  expect(image.user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
});

it(
  'every role is healthy by its own health check, and the simulated fleet reports through all of them into the database that Grafana reads',
  async () => {
    await stack.start('sim');
    const stored = await until(temperatures, ({ length }) => length >= 50, WAIT_MS);
    expect(stored).toHaveLength(50); // one series for each device of the fleet
  },
  WAIT_MS * 2,
);

it('the key of .env opens the API, and nothing else does', async () => {
  const { FIELDGATE_ADMIN_KEY: key = '' } = serviceOf(compose, 'operator-api').environment;
  const devices = await new Operator(stack.http('operator-api'), key).call<{ items: unknown[] }>(
    'GET',
    '/v1/devices',
  );
  expect(devices.status).toBe(200);
  expect(
    (await new Operator(stack.http('operator-api'), 'another-key-0001').call('GET', '/v1/devices')).status,
  ).toBe(401);
});

it('the rules of the mounted folder are in force', async () => {
  const { FIELDGATE_ADMIN_KEY: key = '' } = serviceOf(compose, 'operator-api').environment;
  const operator = new Operator(stack.http('operator-api'), key);
  const rules = await until(
    () => operator.call<{ rules: string | null }>('GET', '/v1/alert-rules'),
    ({ body }) => typeof body.rules === 'string',
    WAIT_MS,
  );
  expect(rules.body).toMatchObject({ rules: readFileSync('examples/rules.yaml', 'utf8') }); // the whole answer: it says why not
});

it('who reads the database may not write to it', async () => {
  const { GRAFANA_INFLUX_USER: u = '', GRAFANA_INFLUX_PASSWORD: p = '' } = serviceOf(
    compose,
    'grafana',
  ).environment;
  const write = await fetch(`${stack.influx.url}/write?${new URLSearchParams({ db: 'fieldgate', u, p })}`, {
    method: 'POST',
    body: 'forged value=1',
  });
  expect(write.status).toBe(403);
  expect(
    (await fetch(`${stack.influx.url}/query?${new URLSearchParams({ q: 'SHOW DATABASES' })}`)).status,
  ).toBe(401);
});

it(
  'Prometheus sees every process up',
  async () => {
    const config = readFileSync('ops/prometheus/prometheus.yml', 'utf8')
      .replace('- alerts.yml', `- ${ALERTS_FILE}`)
      .replaceAll(/_interval: 15s/g, '_interval: 1s');
    const prometheus = await startPrometheus({ config: stack.native(config) });
    try {
      const up = await until(
        () => upTargets(prometheus.url),
        ({ length }) => length === ROLES.length,
        WAIT_MS,
      );
      expect(up.toSorted()).toEqual(ROLES.map((role) => `fieldgate-${role}`).toSorted());
    } finally {
      await prometheus.stop();
    }
  },
  WAIT_MS * 2,
);

it(
  'SIGTERM ends every process in order, and none has written a file but the gateway its spool, in which nothing waits',
  async () => {
    for (const name of ['sim', ...ROLES]) {
      const { code, stderr } = await stack.program(name).stop();
      expect({ name, code, stderr }).toMatchObject({ name, code: 0 });
    }
    if (process.getuid?.() === 0)
      expect(ownedBy(1000, image.path('/')).filter((file) => !file.startsWith('data/'))).toEqual(['data']);
    expect(readdirSync(image.path('/data'))).toEqual(['spool']);
    const { FIELDGATE_GATEWAY_ID: id = '' } = serviceOf(compose, 'gateway').environment;
    const spooled = filesOf(image.path('/data/spool')).filter((file) => !file.endsWith('/reserve'));
    expect(spooled.filter((file) => !file.endsWith('/released.mark'))).toEqual([id]);
  },
  WAIT_MS * 2,
);

/** A value of each device's temperature, as Grafana would ask for it. */
async function temperatures(): Promise<unknown[]> {
  const env = serviceOf(compose, 'grafana').environment;
  const query = new URLSearchParams({
    db: env['GRAFANA_INFLUX_DATABASE'] ?? '',
    u: env['GRAFANA_INFLUX_USER'] ?? '',
    p: env['GRAFANA_INFLUX_PASSWORD'] ?? '',
    q: 'SELECT last("temperature") FROM "telemetry" GROUP BY "device"',
  });
  const response = await fetch(`${stack.native(env['GRAFANA_INFLUX_URL'] ?? '')}/query?${query}`);
  const answer = z
    .object({ results: z.tuple([z.object({ series: z.array(z.unknown()).default([]) })]) })
    .parse(await response.json());
  return answer.results[0].series;
}

/** A question that is not answered, or not yet, is asked again until the time is up. */
async function upTargets(url: string): Promise<string[]> {
  const question = `${url}/api/v1/query?${new URLSearchParams({ query: 'up == 1' })}`;
  const response = await fetch(question).catch(() => undefined);
  if (!response?.ok) return [];
  const answer = z
    .object({ data: z.object({ result: z.array(z.object({ metric: z.object({ job: z.string() }) })) }) })
    .parse(await response.json());
  return answer.data.result.map(({ metric }) => metric.job);
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' });
}

function ownedBy(uid: number, folder: string): string[] {
  return filesOf(folder).filter((file) => lstatSync(join(folder, file)).uid === uid);
}
