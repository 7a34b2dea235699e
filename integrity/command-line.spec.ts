import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { CommandLine, fieldgate } from './support/command-line.js';
import { Deployment } from './support/deployment.js';
import { until } from './support/operator.js';
import { temporaryFolder } from './support/temporary-folder.js';

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
      '--label',
      'site=berlin',
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
    const left = await line.askJson<{ id: string }[]>('devices', 'list', '--label', 'site:berlin');
    expect(left.map(({ id }) => id)).toEqual(['pump-7']);
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
    const http = deployment.httpOf('operator-api');
    expect(await fieldgate(['devices', 'list', '--http', http], 'not-the-right-key-0')).toMatchObject({
      code: 1,
      err: expect.stringContaining('[unauthorized]'),
    });
    expect(await fieldgate(['devices', 'list', '--http', http], '')).toMatchObject({
      code: 1,
      err: expect.stringContaining('FIELDGATE_ADMIN_KEY'),
    });
  });

  it('teaches', async () => {
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
