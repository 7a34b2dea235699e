import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { atEndOfEachTest } from './support/at-end.js';
import { CommandLine, fieldgate, type Ran } from './support/command-line.js';
import { Deployment } from './support/deployment.js';
import { until } from './support/operator.js';
import { temporaryFolder } from './support/temporary-folder.js';

const SECRET = 'command-line-alerts-secret-1';
const RULES = `version: 1
rules:
  - name: too-hot
    metric: temperature
    threshold: { above: 80 }
    severity: critical
    text: '{device} is at {value}'
`;
const LOWER = RULES.replace('80', '60').replace('too-hot', 'warm').replace('critical', 'info');
const BAD = RULES.replace('above: 80', 'abov: 80');
const INSTANT = String.raw`\d{4}-\d\d-\d\dT[\d:.]{8,12}Z`;

let deployment: Deployment;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let device: MqttClient;
const line = new CommandLine(() => deployment);
const fileOf = (name: string): string => join(folder.path, name);

/** Reports at times of its own, a second apart. */
async function report(temperatures: readonly number[]): Promise<void> {
  const firstMs = Date.now() - 60_000;
  for (const [n, temperature] of temperatures.entries()) {
    const message = { id: `r-${n}`, ts: firstMs + n * 1000, readings: { temperature } };
    await device.publishAsync('devices/boiler-1/telemetry', JSON.stringify(message), { qos: 1 });
  }
}

function askUntil(wanted: RegExp, ...args: string[]): Promise<Ran> {
  return until(
    () => line.ask(...args),
    ({ out }) => wanted.test(out),
    15_000,
  );
}

beforeAll(async () => {
  folder = await temporaryFolder();
  const files = { 'rules.yaml': RULES, 'lower.yaml': LOWER, 'bad.yaml': BAD };
  for (const [name, text] of Object.entries(files)) await writeFile(fileOf(name), text);
  deployment = await Deployment.embedded({ FIELDGATE_RULES_FILE: fileOf('rules.yaml') });
  await deployment.operator.register([{ id: 'boiler-1', secret: SECRET }]);
  const options = { clientId: 'boiler-1', username: 'boiler-1', password: SECRET };
  device = await connectAsync(`mqtt://127.0.0.1:${deployment.mqttPort}`, options);
  await report([50, 70, 91, 50, 95]); // too hot twice, and still
});
afterAll(async () => {
  await device.endAsync();
  await deployment.stop();
  await folder.remove();
});

describe('fieldgate alerts', () => {
  it('lists them, the newest first, as far as they are asked for', async () => {
    const row = (state: string, value: number): string =>
      `${INSTANT} +critical +${state} +boiler-1 +too-hot +boiler-1 is at ${value} +boiler-1~too-hot~\\d+\n`;
    const head = 'RAISED +SEVERITY +STATE +DEVICE +RULE +TEXT +ID\n';
    const both = await askUntil(/95/, 'alerts', 'list');
    expect(both).toMatchObject({ code: 0, err: '' });
    expect(both.out).toMatch(new RegExp(`^${head}${row('open', 95)}${row('cleared', 91)}$`));
    const open = await line.ask('alerts', 'list', '--state', 'open', '--device', 'boiler-1');
    expect(open.out).toMatch(new RegExp(`^${head}${row('open', 95)}$`));
    for (const [flag, value] of [
      ['--rule', 'silent'],
      ['--severity', 'info'],
      ['--device', 'boiler-2'],
      ['--to', '2020-01-01T00:00:00Z'],
    ] as const)
      expect(await line.ask('alerts', 'list', flag, value)).toEqual({ code: 0, out: 'no alerts\n', err: '' });
    expect(
      (await line.askJson<{ alerts: unknown[] }>('alerts', 'list', '--limit', '1')).alerts,
    ).toMatchObject([{ deviceId: 'boiler-1', state: 'open', value: 95, limit: 80 }]);
  });

  it('shows one, and acknowledges it', async () => {
    await askUntil(/95/, 'alerts', 'list');
    const { alerts } = await line.askJson<{ alerts: { id: string }[] }>('alerts', 'list', '--state', 'open');
    const [{ id }] = alerts as [{ id: string }]; // one is open
    const shown = await line.ask('alerts', 'show', id);
    expect(shown.code).toBe(0);
    expect(shown.out).toMatch(/^deviceId +boiler-1$/m);
    expect(shown.out).toMatch(/^state +open$/m);
    expect(await line.ask('alerts', 'acknowledge', id, '--note', 'Ann looks')).toEqual({
      code: 0,
      out: `${id} is acknowledged\n`,
      err: '',
    });
    const again = await line.ask('alerts', 'acknowledge', id, '--note', 'Bob looks');
    expect(again).toMatchObject({ code: 0, err: '' });
    expect(again.out).toMatch(
      new RegExp(
        `^${id} was acknowledged already, at ${INSTANT} with the note "Ann looks"; the new note is not kept\n$`,
      ),
    );
    expect((await line.ask('alerts', 'show', id)).out).toMatch(/^acknowledged +\{.*"note":"Ann looks".*\}$/m);
    expect((await line.ask('alerts', 'list', '--state', 'acknowledged')).out).toContain(id);
    expect((await line.ask('alerts', 'list', '--state', 'open')).out).toBe('no alerts\n');
    for (const command of ['show', 'acknowledge'])
      expect(await line.ask('alerts', command, 'nobody~nothing~1')).toMatchObject({
        code: 1,
        out: '',
        err: expect.stringContaining('[alert-not-found]'),
      });
    expect(await line.ask('alerts')).toMatchObject({ code: 2 });
  });
});

describe('fieldgate rules', () => {
  const atEnd = atEndOfEachTest();

  it('checks a file, and asks nobody', async () => {
    const good = fileOf('rules.yaml');
    expect(await fieldgate(['rules', 'check', good], '')).toEqual({
      code: 0,
      out: `${good} is good: 1 rule, 0 notifications\n`,
      err: '',
    });
    expect(await fieldgate(['rules', 'check', fileOf('bad.yaml')])).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/line 5, column \d+: rules\[0\]\.threshold\.abov is not known here/),
    });
    expect(await fieldgate(['rules', 'check', fileOf('none.yaml')])).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(/none\.yaml cannot be read: .*ENOENT/),
    });
    expect(await fieldgate(['rules', 'check'])).toMatchObject({ code: 2 });
  });

  it('tells of a webhook whose secret is not where the file says', async () => {
    const hook = (name: string): string =>
      `  - { name: ${name}, webhook: { url: 'https://example.com/', secretFile: ./${name}-secret } }\n`;
    await writeFile(fileOf('hooks.yaml'), `${RULES}notifications:\n${hook('ops')}${hook('night')}`);
    await writeFile(fileOf('night-secret'), SECRET);
    expect(await fieldgate(['rules', 'check', fileOf('hooks.yaml')])).toEqual({
      code: 0,
      out: `${fileOf('hooks.yaml')} is good: 1 rule, 2 notifications\n`,
      err: 'fieldgate: but ops cannot be notified: secretFile ./ops-secret cannot be read: there is no such file (ENOENT)\n',
    });
  });

  it('tests a file over what is in the log, and says what differs', async () => {
    await askUntil(/95/, 'alerts', 'list');
    const same = await line.ask('rules', 'test', fileOf('rules.yaml'));
    expect(same).toMatchObject({ code: 0, err: '' });
    expect(same.out).toMatch(/^5 messages and \d+ events read\n\nThese rules would have raised: 2\nRAISED /);
    expect(same.out).toMatch(/\n\nOnly these rules, not those in force: 0\n\nOnly the rules in force: 0\n$/);
    const lower = await line.ask(
      'rules',
      'test',
      fileOf('lower.yaml'),
      '--from',
      String(Date.now() - 3_600_000),
    );
    const lists = lower.out.split('\n\n').slice(1);
    expect(lists.map((list) => list.split('\n')[0])).toEqual([
      'These rules would have raised: 2',
      'Only these rules, not those in force: 2',
      'Only the rules in force: 2',
    ]);
    expect(lists[1]).toMatch(/info +cleared +boiler-1 +warm +boiler-1 is at 70 /);
    expect(lists[2]).toMatch(/critical +cleared +boiler-1 +too-hot +boiler-1 is at 91 /);
    const before = await line.askJson<object>(
      'rules',
      'test',
      fileOf('lower.yaml'),
      '--from',
      '2020-01-01T00:00:00Z',
      '--to',
      '2020-01-02T00:00:00Z',
    );
    expect(before).toEqual({ readings: 0, events: 0, raised: [], onlyHere: [], onlyInForce: [] });
    expect((await line.ask('alerts', 'list')).out).not.toContain('warm'); // nothing has changed
    expect(await line.ask('rules', 'test', fileOf('bad.yaml'))).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('rules[0].threshold.abov is not known here'),
    });
  });

  it('shows those in force, and why a newer file is not', async () => {
    const shown = await line.ask('rules', 'show');
    expect(shown).toMatchObject({ code: 0, err: '' });
    expect(shown.out).toMatch(new RegExp(`^# in force since ${INSTANT}\n`));
    expect(shown.out.endsWith(`\n${RULES}\n`)).toBe(true);
    await writeFile(fileOf('rules.yaml'), BAD);
    const refused = await askUntil(/newer/, 'rules', 'show');
    expect(refused.out).toMatch(
      /\n# a newer file is not: line 5, .*\n# +line 5, .*abov is not known here; .*\nversion: 1\n/,
    );
    expect(refused.out.endsWith(`\n${RULES}\n`)).toBe(true);
    await writeFile(fileOf('rules.yaml'), LOWER);
    expect((await askUntil(/warm/, 'rules', 'show')).out).not.toContain('newer');
    expect(await line.askJson<{ rules: string }>('rules', 'show')).toMatchObject({ rules: LOWER });
  });

  it('shows why there are none, where the file never was usable', async () => {
    await writeFile(fileOf('never.yaml'), BAD);
    const other = await Deployment.embedded({ FIELDGATE_RULES_FILE: fileOf('never.yaml') });
    atEnd(() => other.stop());
    const ask = new CommandLine(() => other);
    const shown = await until(
      () => ask.ask('rules', 'show'),
      ({ out }) => out.includes('usable'),
      15_000,
    );
    expect(shown).toMatchObject({ code: 0, err: '' });
    expect(shown.out).toMatch(
      /^# no rules: the file was never usable: line 5, .*\n# +line 5, .*abov is not known here; .*\n$/,
    );
    expect(await ask.askJson('rules', 'show')).toMatchObject({
      rules: null,
      problem: expect.stringContaining('abov is not known here'),
    });
    await writeFile(fileOf('never.yaml'), RULES);
    const inForce = await until(
      () => ask.ask('rules', 'show'),
      ({ out }) => out.includes('in force'),
      15_000,
    );
    expect(inForce.out).toMatch(new RegExp(`^# in force since ${INSTANT}\nversion: 1\n`));
  });
});
