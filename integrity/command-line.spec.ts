import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { CommandLine, fieldgate } from './support/command-line.js';
import { Deployment } from './support/deployment.js';
import { until } from './support/operator.js';
import { temporaryFolder } from './support/temporary-folder.js';

interface Listed {
  readonly devices: readonly { readonly id: string }[];
}

let deployment: Deployment;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const line = new CommandLine(() => deployment);

beforeAll(async () => {
  folder = await temporaryFolder();
  deployment = await Deployment.embedded();
});
afterAll(async () => {
  await deployment.stop();
  await folder.remove();
});

describe('fieldgate devices', () => {
  it('adds, lists, rotates, imports and removes', async () => {
    const added = await line.ask(
      'devices',
      'add',
      'pump-7',
      '--type',
      'pump',
      '--label=site=berlin',
      '--label',
      'line=3',
    );
    expect(added).toMatchObject({ code: 0, out: expect.stringMatching(/^pump-7 {2}[\w-]{32}\n$/) });
    const list = await line.ask('devices', 'list');
    expect(list.out).toBe(
      'DEVICE  TYPE  CONNECTED  COMMANDS  LABELS\npump-7  pump  no         no        site=berlin line=3\n',
    );
    const rotated = await line.askJson<{ secret: string }>('devices', 'rotate', 'pump-7');
    expect(rotated.secret).toMatch(/^[\w-]{32}$/);
    const file = join(folder.path, 'devices.json');
    await writeFile(file, JSON.stringify([{ id: 'fan-1' }, { id: 'pump-7' }]));
    const imported = await line.ask('devices', 'import', file);
    expect(imported).toMatchObject({ code: 1, err: '1 registered, 1 not\n' }); // pump-7 is there already
    expect(await line.ask('devices', 'remove', 'fan-1')).toMatchObject({
      code: 0,
      out: 'fan-1 is removed\n',
    });
    for (const label of ['site=berlin', 'site:berlin', 'site']) {
      const left = await line.askJson<Listed>('devices', 'list', '--label', label);
      expect(left.devices.map(({ id }) => id)).toEqual(['pump-7']);
    }
    expect((await line.ask('devices', 'list', '--label', 'site=hamburg')).out).toMatch(/^no devices;/);
  });

  it('takes the id behind a label, and changes what a device is', async () => {
    await line.ask('devices', 'add', '--label', 'site=berlin', '--label', 'line=3', 'fan-9');
    const change = ['devices', 'change', '--label', 'line=4', '--remove-label', 'site', 'fan-9'];
    expect(await line.ask(...change, '--type', 'fan')).toEqual({
      code: 0,
      out: 'fan-9  fan  line=4\n',
      err: '',
    });
    const untyped = await line.askJson('devices', 'change', 'fan-9', '--no-type');
    expect(untyped).toMatchObject({ id: 'fan-9', labels: { line: '4' } });
    expect(untyped).not.toHaveProperty('type');
    expect(await line.ask('devices', 'add', 'fan-9')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/\[device-exists\].*fieldgate devices change/),
    });
    expect(await line.ask('devices', 'change', 'nobody', '--no-type')).toMatchObject({
      code: 1,
      err: expect.stringContaining('[device-not-found]'),
    });
    await line.ask('devices', 'remove', 'fan-9');
  });

  it('shows the secrets of what is registered, also when the rest of the file is refused', async () => {
    const file = join(folder.path, 'many.json');
    const many = Array.from({ length: 1_000 }, (_, n) => ({ id: `many-${n}` }));
    await writeFile(file, JSON.stringify(many.concat({ id: 'not a name' })));
    const ran = await line.ask('devices', 'import', file);
    expect(ran).toMatchObject({ code: 1, err: expect.stringContaining('a device id is a letter or digit') });
    expect(ran.out.match(/^many-\d+ +[\w-]{32} +-$/gm)).toHaveLength(1_000);
  });

  it('answers one object where JSON is asked for', async () => {
    const file = join(folder.path, 'two.json');
    await writeFile(file, JSON.stringify([{ id: 'saw-1' }, { id: 'pump-7' }]));
    expect(await line.askJson('devices', 'import', file)).toMatchObject({
      devices: [{ id: 'saw-1' }, { id: 'pump-7', error: { code: 'device-exists' } }],
    });
    expect(await line.askJson('devices', 'remove', 'saw-1')).toEqual({ id: 'saw-1', removed: true });
    expect(await line.askJson('alerts', 'list')).toEqual({ alerts: [] });
    expect(await line.askJson('dead-letters', 'list', '--device', 'saw-1')).toEqual({ deadLetters: [] });
    expect(await line.askJson('dead-letters', 'redrive', '--device', 'saw-1')).toEqual({ deadLetters: [] });
  });

  it('says what is wrong, with an exit code for each kind', async () => {
    expect(await line.ask('devices', 'add', 'not a name')).toMatchObject({
      code: 1,
      err: expect.stringContaining('a device id is a letter or digit'),
    });
    expect(await line.ask('devices', 'remove', 'nobody')).toMatchObject({
      code: 1,
      err: expect.stringContaining('[device-not-found]'),
    });
    expect(await line.ask('devices', 'list', '--nonsense')).toMatchObject({ code: 2 });
    expect(await fieldgate(['devices', 'list', '--http', 'http://127.0.0.1:9'])).toMatchObject({
      code: 3,
      err: expect.stringContaining('no answer from http://127.0.0.1:9'),
    });
    expect(await fieldgate(['dead-letters', 'redrive', '--http', 'http://127.0.0.1:9'])).toMatchObject({
      code: 3,
      out: '',
    });
    const http = deployment.httpOf('operator-api');
    expect(await fieldgate(['devices', 'list', '--http', http], 'not-the-right-key-0')).toMatchObject({
      code: 1,
      err: expect.stringContaining('[unauthorized]'),
    });
    expect(await fieldgate(['devices', 'list', '--http', http], '')).toMatchObject({
      code: 2,
      err: expect.stringContaining('FIELDGATE_ADMIN_KEY'),
    });
  });

  it('teaches', async () => {
    expect((await fieldgate(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
    const help = await fieldgate(['--help']);
    expect(help).toMatchObject({ code: 0, out: expect.stringContaining('fieldgate rules test rules.yaml') });
    for (const name of [
      'start',
      'demo',
      'sim',
      'devices',
      'telemetry',
      'command',
      'alerts',
      'dead-letters',
      'rules',
      'watch',
    ])
      expect(help.out).toContain(`\n  ${name} `);
  });
});

describe('wrong usage', () => {
  const server = createServer((_request, response) => {
    asked += 1;
    response.writeHead(500).end();
  });
  let asked = 0;

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await writeFile(join(folder.path, 'bad.json'), '[{"id":"a","secret":"not to be shown"},]');
    await writeFile(join(folder.path, 'object.json'), '{}');
  });
  afterAll(async () => {
    server.close();
    await once(server, 'close');
  });

  it.each<[args: string, says: RegExp]>([
    ['command pump-7 ping --wait abc', /from 0 to 60/],
    ['command pump-7 ping --wait 6000', /from 0 to 60/],
    ['command pump-7 ping --timeout abc', /number of seconds/],
    ['command pump-7 ping --params {bad', /must be JSON/],
    ['alerts list --limit abc', /from 1 to 1000/],
    ['alerts list --state shut', /open, acknowledged, cleared/],
    ['alerts list --severity bad', /info, warning, critical/],
    ['alerts list --from yesterday', /RFC 3339/],
    ['dead-letters list --origin here', /mqtt, log/],
    ['dead-letters redrive 0-0 --code payload-shape', /one or the other/],
    ['dead-letters redrive 0-0 --limit 1', /one or the other/],
    ['devices add pump-8 --label site', /name=value/],
    ['devices list --label =berlin', /name=value/],
    ['devices change pump-8', /nothing to change/],
    ['devices import nowhere.json', /nowhere\.json cannot be read: .*ENOENT/],
    ['devices import bad.json', /bad\.json is not JSON( at position \d+)?$/m],
    ['devices import object.json', /must be a JSON array/],
    ['rules test nowhere.yaml', /nowhere\.yaml cannot be read: .*ENOENT/],
    ['telemetry pump-7 --every soon', /10s or 1h/],
    ['telemetry pump-7 --aggregate max', /needs --every/],
    ['telemetry pump-7 --limit 3', /needs --from, --to or --every/],
    ['watch --label =', /name=value/],
    ['sim --devices foo', /--devices must be a number/],
  ])('is told, and nothing is sent: %s', async (args, says) => {
    const { port } = server.address() as AddressInfo; // a TCP server that listens has one
    const words = args.split(' ').map((word) => (word.endsWith('.json') ? join(folder.path, word) : word));
    const ran = await fieldgate(words.concat('--http', `http://127.0.0.1:${port}`));
    expect(ran).toMatchObject({ code: 2, out: '', err: expect.stringMatching(says) });
    expect(ran.err).not.toContain('shown');
    expect(asked).toBe(0);
  });

  it.each(['foo', '0'])('ends a demo before it begins: --devices %s', async (count) => {
    expect(await fieldgate(['demo', '--devices', count])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining('a whole number from 1 to 100000'),
    });
  });

  it('is an address that is none', async () => {
    expect(await fieldgate(['devices', 'list', '--http', 'nonsense'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('must be a URL'),
    });
  });
});

describe('fieldgate about a device that reports', () => {
  const secret = 'command-line-secret-1';
  let device: MqttClient;

  beforeAll(async () => {
    await deployment.operator.register([{ id: 'boiler-1', secret }]);
    const options = { clientId: 'boiler-1', username: 'boiler-1', password: secret };
    device = await connectAsync(`mqtt://127.0.0.1:${deployment.mqttPort}`, options);
  });
  afterAll(() => device.endAsync());

  it('shows its readings, what was refused, and takes commands to it', async () => {
    const topic = 'devices/boiler-1/telemetry';
    await device.publishAsync(topic, '{"temperature":71.5,"running":true}', { qos: 1 });
    await device.publishAsync(topic, '{"temperature":', { qos: 1 });
    const newest = await until(
      () => line.ask('telemetry', 'boiler-1'),
      ({ out }) => out.includes('temperature'),
      10_000,
    );
    expect(newest.out).toMatch(/^METRIC +VALUE +TIME\nrunning +true +\S+\ntemperature +71\.5 +\S+\n$/);
    expect((await line.ask('telemetry', 'boiler-1', '--metric', 'nix', '--metric', 'nox')).out).toBe(
      'boiler-1 has not reported nix or nox\n',
    );
    expect((await line.ask('telemetry', '--metric', 'running', 'boiler-1')).out).toMatch(
      /^METRIC.*\nrunning .*\n$/,
    );
    expect((await line.ask('telemetry', 'pump-7')).out).toBe('pump-7 has not reported yet\n');
    const series = await line.askJson<{ series: { metric: string; points: [number, number][] }[] }>(
      'telemetry',
      'boiler-1',
      '--metric',
      'temperature',
      '--every',
      '1h',
      '--aggregate',
      'max',
    );
    expect(series.series.map(({ points }) => points.map(([, value]) => value))).toEqual([[71.5]]);
    const letters = await line.askJson<{ deadLetters: { id: string; code: string }[] }>(
      'dead-letters',
      'list',
      '--device',
      'boiler-1',
    );
    expect(letters.deadLetters).toMatchObject([{ code: 'payload-not-json' }]);
    const id = letters.deadLetters[0]?.id ?? '';
    expect((await line.ask('dead-letters', 'show', id)).out).toContain('{"temperature":');
    const command = await line.ask('command', 'boiler-1', 'ping'); // it has not subscribed to its commands
    expect(command).toMatchObject({ code: 1, err: expect.stringContaining('[device-offline]') });
  });
});
