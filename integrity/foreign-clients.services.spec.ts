import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { ensurePythonClients, type PythonClients } from '../ops/services/python-clients.mjs';
import { atEndOfEachTest } from './support/at-end.js';
import { Deployment } from './support/deployment.js';
import { until } from './support/operator.js';
import { Program, type Outcome } from './support/program.js';

const DEVICE_PY = fileURLToPath(new URL('../examples/python-device/device.py', import.meta.url));
const SECRET = 'foreign-secret-0123456789';

const atEnd = atEndOfEachTest();
let deployment: Deployment;
let paho: PythonClients;

beforeAll(async () => {
  paho = await ensurePythonClients();
  deployment = await Deployment.embedded();
}, 120_000);
afterAll(() => deployment?.stop(), 60_000);

/** Registered under an id of its own. */
async function registered(): Promise<string> {
  const id = `foreign-${randomBytes(4).toString('hex')}`;
  await deployment.operator.register([{ id, secret: SECRET }]);
  return id;
}

function start(command: string, args: readonly string[], environment?: Record<string, string>): Program {
  const program = new Program(command, args, environment);
  atEnd(() => program.stop('SIGKILL'));
  return program;
}

async function stored(id: string, metric: string, count: number): Promise<readonly number[]> {
  const values = (): Promise<number[]> =>
    deployment.operator.values(id, metric, Date.now() - 600_000, Date.now() + 600_000);
  return until(values, ({ length }) => length >= count, 20_000);
}

describe.each([
  { version: 'mqttv5', refused: 134, forbidden: 0 }, // MQTT 5: 0x86, bad user name or password; a PUBACK of 0x87 is a warning
  { version: 'mqttv311', refused: 4, forbidden: 7 }, // 3.1.1: 0x04; a connection closed without an answer is MOSQ_ERR_CONN_LOST
])('mosquitto clients that speak $version', ({ version, refused, forbidden }) => {
  function credentials(id: string, secret = SECRET): string[] {
    const port = String(deployment.mqttPort);
    return ['-V', version, '-h', '127.0.0.1', '-p', port, '-i', id, '-u', id, '-P', secret, '-q', '1'];
  }
  function publish(
    id: string,
    topic: string,
    message: string,
    more: readonly string[] = [],
  ): Promise<Outcome> {
    return start('mosquitto_pub', [...credentials(id), '-t', topic, '-m', message, ...more]).ended();
  }

  it('publish readings that are stored', async () => {
    const id = await registered();
    expect(await publish(id, `devices/${id}/telemetry`, '{"temperature":21.5}')).toMatchObject({ code: 0 });
    expect(await stored(id, 'temperature', 1)).toEqual([21.5]);
  });

  it('are told that the password is wrong', async () => {
    const id = await registered();
    const args = [...credentials(id, 'not the secret'), '-t', `devices/${id}/telemetry`, '-m', '{"a":1}'];
    const { code, stderr } = await start('mosquitto_pub', args).ended();
    expect(code).toBe(refused);
    expect(stderr.toLowerCase()).toContain('bad user name or password');
  });

  it('are told that a topic is not theirs', async () => {
    const id = await registered();
    const { code, stderr } = await publish(id, 'devices/somebody-else/telemetry', '{"a":1}');
    expect(code).toBe(forbidden);
    expect(stderr).toMatch(version === 'mqttv5' ? /not authorized/i : /connection was lost/i);
  });

  it('take a command and answer it', async () => {
    const id = await registered();
    const commands = ['-t', `devices/${id}/commands/#`, '-c', '-C', '1', '-F', '%t|%R|%D|%p'];
    const subscriber = start('mosquitto_sub', [...credentials(id), ...commands]);
    await deployment.operator.commandReady(id);
    const answered = deployment.operator.command(id, 'blink', { params: { times: 3 }, waitSeconds: 30 });
    const [topic = '', responseTopic = '', correlation = '', payload] = (await subscriber.line(/./)).split(
      '|',
    );
    const commandId = topic.split('/')[3] ?? '';
    expect(topic).toBe(`devices/${id}/commands/${commandId}/blink`);
    expect(payload).toBe('{"times":3}');
    await subscriber.ended(); // one client id, one connection

    const properties = `-D publish correlation-data ${correlation} -D publish user-property status 200`.split(
      ' ',
    );
    const outcome =
      version === 'mqttv5'
        ? await publish(id, responseTopic, '{"blinked":3}', properties)
        : await publish(id, `devices/${id}/responses/${commandId}/200`, '{"blinked":3}');
    expect(outcome).toMatchObject({ code: 0 });
    const { status, body } = await answered;
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { id: commandId, state: 'succeeded', result: { status: 200, body: { blinked: 3 } } },
    });
  }, 40_000);

  it('find their subscription again in the session that was kept', async () => {
    const id = await registered();
    const subscribing = ['-t', `devices/${id}/commands/#`, '-c', '-E']; // -E: ends with the SUBACK
    expect(await start('mosquitto_sub', [...credentials(id), ...subscribing]).ended()).toMatchObject({
      code: 0,
    });
    const publisher = start('mosquitto_pub', [
      ...credentials(id),
      '-c',
      '-l',
      '-t',
      `devices/${id}/telemetry`,
    ]); // stays, and subscribes to nothing
    await deployment.operator.commandReady(id);
    expect(await publisher.closeInput()).toMatchObject({ code: 0 });
  });
});

describe.each(['5', '3.1.1'])('the example device in Python (paho) that speaks MQTT %s', (version) => {
  function device(id: string, more: readonly string[] = [], secret = SECRET): Program {
    const args = [DEVICE_PY, '--port', String(deployment.mqttPort), '--id', id, '--mqtt', version, ...more];
    return start(paho.python, args, { ...paho.environment, DEVICE_SECRET: secret });
  }

  it('publishes readings, each of them stored once', async () => {
    const id = await registered();
    const outcome = await device(id, ['--count', '5', '--every', '0.01']).ended();
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toContain('sent 5, acknowledged 5');
    expect(await stored(id, 'n', 5)).toEqual([0, 1, 2, 3, 4]);
  }, 30_000);

  it('answers commands, before and after its session was resumed', async () => {
    const id = await registered();
    for (const present of ['no', 'yes']) {
      const running = device(id);
      await running.line(`connected, session present: ${present}`);
      await deployment.operator.commandReady(id);
      const send = (name: string, params: unknown): Promise<unknown> =>
        deployment.operator.command(id, name, { params, waitSeconds: 30 });
      expect(await send('set-interval', { seconds: 0.5 })).toMatchObject({
        status: 200,
        body: { state: 'succeeded', result: { status: 200, body: { every: 0.5 } } },
      });
      expect(await send('set-interval', { seconds: 'soon' })).toMatchObject({
        body: { state: 'rejected', result: { status: 422 } },
      });
      expect(await send('fly', {})).toMatchObject({ body: { state: 'rejected', result: { status: 404 } } });
      expect(await running.stop()).toMatchObject({
        code: 0,
        stderr: '',
        stdout: expect.stringMatching(/^sent (\d+), acknowledged \1$/m), // answers are no readings
      });
    }
  }, 40_000);

  it('says that its secret is wrong', async () => {
    const id = await registered();
    const { code, stdout } = await device(id, [], 'not the secret').ended();
    expect({ code, stdout }).toEqual({ code: 1, stdout: 'refused: Bad user name or password (134)\n' });
  });
});
