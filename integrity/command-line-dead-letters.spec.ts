import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { CommandLine, type Ran } from './support/command-line.js';
import { Deployment } from './support/deployment.js';
import { until } from './support/operator.js';
import { temporaryFolder } from './support/temporary-folder.js';

const SECRET = 'command-line-letters-secret-1';
/** More than the API gives at once. */
const BROKEN = 1_050;

interface Listed {
  readonly deadLetters: readonly { readonly id: string }[];
  readonly next?: string;
}
interface Outcome {
  readonly id: string;
  readonly outcome: string;
}
interface Redriven {
  readonly deadLetters: readonly Outcome[];
}

/** Takes webhooks once it has been mended; until then it refuses them for good. */
class Receiver {
  readonly taken: string[] = [];
  isMended = false;
  private readonly server = createServer((request, response) => {
    request.resume();
    if (this.isMended) this.taken.push(String(request.headers['webhook-id']));
    response.writeHead(this.isMended ? 204 : 400).end();
  });

  async open(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/`; // a TCP server that listens has one
  }

  async close(): Promise<void> {
    this.server.close();
    await once(this.server, 'close');
  }
}

const receiver = new Receiver();
let deployment: Deployment;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let device: MqttClient;
const line = new CommandLine(() => deployment);
const letters = (...args: string[]): Promise<Ran> => line.ask('dead-letters', ...args);

beforeAll(async () => {
  folder = await temporaryFolder();
  const rules = join(folder.path, 'rules.yaml');
  await writeFile(
    rules,
    `version: 1
rules:
  - { name: too-hot, metric: temperature, threshold: { above: 80 } }
notifications:
  - { name: ops, webhook: { url: '${await receiver.open()}', allowPrivate: true } }
`,
  );
  deployment = await Deployment.embedded({ FIELDGATE_RULES_FILE: rules, FIELDGATE_WEBHOOK_SECRET: SECRET });
  await deployment.operator.register([{ id: 'press-1', secret: SECRET }]);
  const options = { clientId: 'press-1', username: 'press-1', password: SECRET };
  device = await connectAsync(`mqtt://127.0.0.1:${deployment.mqttPort}`, options);
});
afterAll(async () => {
  await device.endAsync();
  await deployment.stop();
  await receiver.close();
  await folder.remove();
});

describe('fieldgate dead-letters, of more than one page', () => {
  const filter = ['--code', 'payload-not-json'];

  beforeAll(async () => {
    const broken = Array.from({ length: BROKEN }, (_, n) =>
      device.publishAsync('devices/press-1/telemetry', `{"n":${n},`, { qos: 1 }),
    );
    await Promise.all(broken); // acknowledged: the letters are written
  });

  it('lists as many as are asked for, and says where to go on', async () => {
    const first = await letters('list', ...filter);
    expect(first).toMatchObject({
      code: 0,
      err: expect.stringMatching(/^there may be older ones: --before \S+\n$/),
    });
    const ids = first.out
      .split('\n')
      .slice(1, -1)
      .map((row) => row.split(' ')[0]);
    expect(ids).toHaveLength(100);
    const before = first.err.trim().split(' ').at(-1) ?? '';
    const rest = await line.askJson<Listed>(
      'dead-letters',
      'list',
      ...filter,
      '--limit',
      '5000',
      '--before',
      before,
    );
    expect(rest.next).toBeUndefined();
    const all = new Set(rest.deadLetters.map(({ id }) => id).concat(ids.map(String)));
    expect(rest.deadLetters).toHaveLength(BROKEN - 100);
    expect(all.size).toBe(BROKEN);
    const most = await line.askJson<Listed>('dead-letters', 'list', ...filter, '--limit', '1001');
    expect(most.deadLetters).toHaveLength(1001);
    expect(await letters('list', '--limit', 'many')).toMatchObject({ code: 2 });
  });

  it('drives all of them again, the oldest first, or only the newest', async () => {
    const offsets = (outcomes: readonly Outcome[]): number[] =>
      outcomes.map(({ id }) => Number(id.split('-')[1]));
    const all = await line.askJson<Redriven>('dead-letters', 'redrive', ...filter, '--dry-run');
    expect(offsets(all.deadLetters)).toEqual(Array.from({ length: BROKEN }, (_, n) => n)); // one device: one partition
    const newest = await letters('redrive', ...filter, '--limit', '2');
    const row = (offset: number): string => String.raw`\d+-${offset} +refused +\S.*\n`;
    expect(newest).toMatchObject({
      code: 1, // they are no better than before
      out: expect.stringMatching(new RegExp(`^ID +OUTCOME +DETAIL\n${row(BROKEN - 2)}${row(BROKEN - 1)}$`)),
      err: '',
    });
    expect(await letters('redrive', '--code', 'metric-name')).toEqual({
      code: 0,
      out: 'no dead letters match\n',
      err: '',
    });
  });
});

describe('fieldgate dead-letters redrive', () => {
  it('sends a notification that was given up, once its receiver is mended', async () => {
    await device.publishAsync('devices/press-1/telemetry', '{"temperature":91}', { qos: 1 });
    const filter = ['--code', 'notification-failed'];
    const found = await until(
      () => line.askJson<Listed>('dead-letters', 'list', ...filter),
      ({ deadLetters }) => deadLetters.length > 0,
      15_000,
    );
    const id = found.deadLetters[0]?.id ?? '';
    expect((await letters('list', ...filter)).out).toMatch(/ ops: \S+ answered 400\n$/);
    receiver.isMended = true;
    expect(await line.askJson('dead-letters', 'redrive', id, '--dry-run')).toMatchObject({
      id,
      outcome: 'would-be-redriven',
    });
    const dry = await letters('redrive', id, '--dry-run');
    expect(dry).toEqual({
      code: 0,
      out: expect.stringMatching(new RegExp(`^ID.*\n${id} +would-be-redriven +-\n$`)),
      err: '',
    });
    expect(receiver.taken).toEqual([]);
    const driven = await letters('redrive', ...filter);
    expect(driven).toEqual({
      code: 0,
      out: expect.stringMatching(new RegExp(`^ID.*\n${id} +redriven +-\n$`)),
      err: '',
    });
    const taken = async (): Promise<readonly string[]> => receiver.taken;
    await until(taken, ({ length }) => length > 0, 15_000);
    expect(receiver.taken).toEqual([expect.stringMatching(/^press-1~too-hot~\d+~raised$/)]);
    expect(await letters('redrive', '0-123456')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('[not-found]'),
    });
  });
});
