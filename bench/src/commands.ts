import { Agent, request } from 'node:http';
import { answeringDevice } from './mqtt/answering-device.js';
import { benchDevices } from './mqtt/bench-devices.js';
import { fixed, progress, quantile, type BenchOptions, type Section } from './report.js';
import { ADMIN_KEY, registerDevices, startFieldgate } from './systems/fieldgate.js';
import { withFolder } from './systems/folders.js';

const WARM_UP = 100;
const COMMANDS_PER_RUN = 300;
const VERSIONS = [
  { version: 5, name: 'MQTT 5' },
  { version: 4, name: 'MQTT 3.1.1' },
] as const;

/** One command after another to a device that answers at once, on a process that has nothing else to do: HTTP in to HTTP out. */
export async function benchCommands({ runs }: BenchOptions): Promise<readonly Section[]> {
  const times = VERSIONS.map((): number[] => []);
  await withFolder(async (folder) => {
    const fieldgate = await startFieldgate(folder);
    const devices = benchDevices(VERSIONS.length);
    await registerDevices(fieldgate.http, devices);
    for (const [index, { version }] of VERSIONS.entries()) {
      const device = devices[index];
      if (!device) continue;
      const connection = await answeringDevice(fieldgate.mqttPort, device, version);
      await commandReady(fieldgate.http, device.id);
      await roundTrips(fieldgate.http, device.id, WARM_UP);
      times[index]?.push(...(await roundTrips(fieldgate.http, device.id, COMMANDS_PER_RUN * runs)));
      connection.close();
      progress(`commands  ${VERSIONS[index]?.name}: p99 ${fixed(quantile(times[index] ?? [], 0.99))} ms`);
    }
    await fieldgate.child.stop();
  });
  return [
    {
      title: 'A command and its answer',
      note: 'POST with Prefer: wait=10 until the finished command is answered; embedded log and store, idle process, device and client in one other process. Goal: p99 < 30 ms.',
      columns: ['', 'commands', 'p50 ms', 'p99 ms', 'longest ms'],
      rows: VERSIONS.map(({ name }, index) => {
        const all = times[index] ?? [];
        return [
          name,
          all.length,
          fixed(quantile(all, 0.5)),
          fixed(quantile(all, 0.99)),
          fixed(quantile(all, 1)),
        ];
      }),
    },
  ];
}

/** The subscription reaches the API through the log, a moment after its SUBACK. */
async function commandReady(http: string, deviceId: string): Promise<void> {
  const agent = new Agent();
  for (let attempt = 1; ; attempt += 1) {
    const { status, body } = await command(agent, `${http}/v1/devices/${deviceId}/commands`);
    if (status === 200) return;
    if (status !== 409 || attempt === 500)
      throw new Error(`no command reaches the device: ${status} ${body}`);
  }
}

async function roundTrips(http: string, deviceId: string, count: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const start = performance.now();
    const { status, body } = await command(agent, `${http}/v1/devices/${deviceId}/commands`);
    times.push(performance.now() - start);
    if (status !== 200 || !body.includes('"succeeded"'))
      throw new Error(`the command came back with ${status}: ${body}`);
  }
  agent.destroy();
  return times;
}

function command(agent: Agent, url: string): Promise<{ readonly status: number; readonly body: string }> {
  const payload = '{"name":"ping","params":{"n":1}}';
  const headers = {
    authorization: `Bearer ${ADMIN_KEY}`,
    'content-type': 'application/json',
    'content-length': payload.length,
    prefer: 'wait=10',
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(payload);
  });
}
