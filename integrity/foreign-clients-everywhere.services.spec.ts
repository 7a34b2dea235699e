import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { connectAsync } from 'mqtt';
import { ensurePythonClients, type PythonClients } from '../ops/services/python-clients.mjs';
import { atEndOfEachTest } from './support/at-end.js';
import { startJsDevice } from './support/foreign/js-device.js';
import { OpenGateway, SCHEMES, type Scheme } from './support/foreign/open-gateway.js';
import { until } from './support/operator.js';
import { Program } from './support/program.js';

const PAHO_DEVICE = fileURLToPath(new URL('./support/foreign/paho-device.py', import.meta.url));
const LAB_BROKER = fileURLToPath(new URL('../packages/mqtt-edge/lab-broker/dist/main.js', import.meta.url));
const SECRET = 'foreign-secret-0123456789';
const VERSIONS = ['5', '3.1.1'] as const;
/** Of Mosquitto's clients: nobody has answered in time. */
const TIMED_OUT = 27;

const atEnd = atEndOfEachTest();
let gateway: OpenGateway;
let paho: PythonClients;

beforeAll(async () => {
  paho = await ensurePythonClients();
  gateway = await OpenGateway.start();
}, 120_000);
afterAll(() => gateway?.stop(), 60_000);

/** Registered under an id of its own. */
async function registered(): Promise<string> {
  const id = `everywhere-${randomBytes(4).toString('hex')}`;
  await gateway.operator.register([{ id, secret: SECRET }]);
  return id;
}

function start(command: string, args: readonly string[], environment?: Record<string, string>): Program {
  const program = new Program(command, args, environment);
  atEnd(() => program.stop('SIGKILL'));
  return program;
}

async function expectReading(id: string): Promise<void> {
  const values = (): Promise<number[]> =>
    gateway.operator.values(id, 'temperature', Date.now() - 600_000, Date.now() + 600_000);
  expect(await until(values, ({ length }) => length > 0, 20_000)).toEqual([21.5]);
}

/** HTTP → command → the device's answer → HTTP. */
async function expectAnswer(id: string): Promise<void> {
  await gateway.operator.commandReady(id);
  const { status, body } = await gateway.operator.command(id, 'blink', {
    params: { times: 3 },
    waitSeconds: 30,
  });
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { state: 'succeeded', result: { status: 200, body: { times: 3 } } },
  });
}

const MATRIX = VERSIONS.flatMap((version) => SCHEMES.map((scheme) => ({ version, scheme })));

describe("mosquitto's clients", () => {
  const encryptedOrNot = VERSIONS.flatMap((version) =>
    (['mqtt', 'mqtts'] as const).map((scheme) => ({ version, scheme })),
  );

  function login(id: string, version: string, scheme: Scheme): string[] {
    const trusted = gateway.trustFor(scheme);
    const port = String(gateway.portOf(scheme));
    const who = ['-V', version === '5' ? 'mqttv5' : 'mqttv311', '-i', id, '-u', id, '-P', SECRET, '-q', '1'];
    const where = ['-h', '127.0.0.1', '-p', port];
    return where.concat(who, trusted === undefined ? [] : ['--cafile', trusted]);
  }

  it.each(encryptedOrNot)('MQTT $version over $scheme: publish a reading', async ({ version, scheme }) => {
    const id = await registered();
    const reading = ['-t', `devices/${id}/telemetry`, '-m', '{"temperature":21.5}'];
    const outcome = await start('mosquitto_pub', login(id, version, scheme).concat(reading)).ended();
    expect(outcome).toEqual({ code: 0, stdout: '', stderr: '' });
    await expectReading(id);
  });

  it.each(encryptedOrNot)(
    'MQTT $version over $scheme: take a command and answer it',
    async ({ version, scheme }) => {
      const id = await registered();
      const commands = ['-t', `devices/${id}/commands/#`, '-c', '-C', '1', '-F', '%t|%R|%D|%p'];
      const subscriber = start('mosquitto_sub', login(id, version, scheme).concat(commands));
      const answering = subscriber.line(/./).then(async (line) => {
        const [topic = '', responseTopic = '', correlation = '', payload = ''] = line.split('|');
        await subscriber.ended(); // one client id, one connection
        const answer =
          version === '5'
            ? ['-t', responseTopic, '-D', 'publish', 'correlation-data', correlation]
            : ['-t', `devices/${id}/responses/${topic.split('/')[3]}/200`];
        return start('mosquitto_pub', login(id, version, scheme).concat(answer, '-m', payload)).ended();
      });
      await expectAnswer(id);
      expect(await answering).toMatchObject({ code: 0 });
    },
    60_000,
  );

  it.each(encryptedOrNot)(
    'MQTT $version over $scheme: mosquitto_rr subscribes to its response topic and sends a reading, which nobody answers',
    async ({ version, scheme }) => {
      const id = await registered();
      const request = ['-t', `devices/${id}/telemetry`, '-m', '{"temperature":21.5}'];
      const response = ['-e', `devices/${id}/commands/answer`, '-W', '1'];
      const rr = start('mosquitto_rr', login(id, version, scheme).concat(request, response));
      expect(await rr.ended()).toMatchObject({ code: TIMED_OUT, stdout: '' });
      await expectReading(id);
    },
  );

  it.each(VERSIONS)('MQTT %s: mosquitto_rr gets its answer through the lab broker', async (version) => {
    const broker = start(process.execPath, [LAB_BROKER, '--port', '0']);
    const port = /(\d+)$/.exec(await broker.line(/^lab broker: /))?.[1] ?? '';
    const to = ['-h', '127.0.0.1', '-p', port, '-V', version === '5' ? 'mqttv5' : 'mqttv311', '-q', '1'];
    const responder = await connectAsync(`mqtt://127.0.0.1:${port}`, {
      protocolVersion: version === '5' ? 5 : 4,
      reconnectPeriod: 0,
    });
    atEnd(() => responder.endAsync());
    responder.on('message', (_topic, payload, { properties }) => {
      const correlationData = properties?.correlationData;
      const topic = properties?.responseTopic ?? 'answers/1'; // before MQTT 5 both have to know it
      responder.publish(
        topic,
        `${payload.toString()} 42`,
        correlationData ? { properties: { correlationData } } : {},
      );
    });
    await responder.subscribeAsync('questions', { qos: 1 });
    const question = ['-t', 'questions', '-m', 'six by nine?', '-e', 'answers/1', '-W', '20'];
    expect(await start('mosquitto_rr', to.concat(question)).ended()).toEqual({
      code: 0,
      stdout: 'six by nine? 42\n',
      stderr: '',
    });
  });

  it('as Debian builds them speak no WebSocket: there is no option for it, and a ws:// address is refused', async () => {
    const { stdout } = await start('mosquitto_pub', ['--help']).ended();
    expect(stdout).toContain('--cafile');
    expect(stdout).not.toMatch(/websocket/i);
    const address = `ws://127.0.0.1:${gateway.portOf('ws')}/devices/nobody/telemetry`;
    const { code, stderr } = await start('mosquitto_pub', ['-L', address, '-m', '{}']).ended();
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/unsupported URL scheme/i),
    });
  });
});

describe.each(['1.6 of Debian', '2.1 of PyPI'])('paho %s', (library) => {
  /** Debian's packages are for its own interpreter, whichever comes first in the path. */
  const python = (): { program: string; environment: Record<string, string> } =>
    library.startsWith('2')
      ? { program: paho.python, environment: paho.environment }
      : { program: '/usr/bin/python3', environment: {} };

  it.each(MATRIX)(
    'MQTT $version over $scheme: publishes a reading, takes a command and answers it',
    async ({ version, scheme }) => {
      const id = await registered();
      const trusted = gateway.trustFor(scheme);
      const transport = scheme.startsWith('ws') ? 'websockets' : 'tcp';
      const args = [PAHO_DEVICE, '--port', String(gateway.portOf(scheme)), '--id', id, '--mqtt', version];
      const how = ['--transport', transport].concat(trusted === undefined ? [] : ['--cafile', trusted]);
      const { program, environment } = python();
      const device = start(program, args.concat(how), { ...environment, DEVICE_SECRET: SECRET });
      expect(await device.line(/^ready /)).toMatch(`ready ${library.slice(0, 3)}`);
      await expectAnswer(id);
      expect(await device.ended()).toMatchObject({ code: 0, stderr: '' });
      await expectReading(id);
    },
    60_000,
  );
});

describe('MQTT.js', () => {
  it.each(MATRIX)(
    'MQTT $version over $scheme: publishes a reading, takes a command and answers it',
    async ({ version, scheme }) => {
      const id = await registered();
      atEnd(await startJsDevice(gateway, { id, secret: SECRET, version: version === '5' ? 5 : 4, scheme }));
      await expectAnswer(id);
      await expectReading(id);
    },
    60_000,
  );
});
