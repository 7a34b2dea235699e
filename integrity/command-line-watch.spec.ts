import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Inbox } from '@fieldgate/commit-log/testing';
import { connectAsync, type MqttClient } from 'mqtt';
import { CommandLine, fieldgate, type Following } from './support/command-line.js';
import { Deployment } from './support/deployment.js';
import { until } from './support/operator.js';

const SECRET = 'command-line-watch-secret-1';
const DEVICES = ['fan-1', 'fan-2'] as const;

let deployment: Deployment;
const clients: MqttClient[] = [];
const line = new CommandLine(() => deployment);
let sent = 0;

beforeAll(async () => {
  deployment = await Deployment.embedded();
  await deployment.operator.register(DEVICES.map((id) => ({ id, secret: SECRET })));
  for (const id of DEVICES) {
    const options = { clientId: id, username: id, password: SECRET };
    clients.push(await connectAsync(`mqtt://127.0.0.1:${deployment.mqttPort}`, options));
  }
});
afterAll(async () => {
  await Promise.all(clients.map((client) => client.endAsync()));
  await deployment.stop();
});

/** Both devices, with the same number. */
async function report(): Promise<number> {
  sent += 1;
  for (const [index, client] of clients.entries())
    await client.publishAsync(`devices/${DEVICES[index]}/telemetry`, `{"n":${sent}}`, { qos: 1 });
  return sent;
}

/** Until the watch has seen something; what it sees from now on it sees whole. */
async function connected(watch: Following): Promise<void> {
  const seen = await until(
    async () => {
      await report();
      return watch.lines.all.length;
    },
    (count) => count > 0,
    15_000,
  );
  expect(seen).toBeGreaterThan(0);
}

describe('fieldgate watch', () => {
  it('prints a line per event into a pipe, until it is interrupted', async () => {
    const watch = line.follow('watch');
    await connected(watch);
    const from = sent + 1;
    for (let n = 0; n < 5; n++) await report();
    await device('fan-1').publishAsync('devices/fan-1/events/door-open', '{"state":"raised"}', { qos: 1 });
    await watch.lines.until((all) => all.some((each) => each.startsWith('alert  ')));
    const telemetry = watch.lines.all.filter(
      (each) => each.startsWith('telemetry  ') && each.includes('"subject":"fan-2"'),
    );
    expect(telemetry.map(numberOf).filter((n) => n >= from)).toEqual([0, 1, 2, 3, 4].map((n) => from + n));
    expect(watch.lines.all).toContainEqual(
      expect.stringMatching(/^event  \{.*"subject":"fan-1".*"event":"door-open"/),
    );
    expect(await watch.interrupt()).toBe(0);
  });

  it('prints JSON, and only the devices that are asked for', async () => {
    const watch = line.follow('watch', '--json', '--device', 'fan-2');
    await connected(watch);
    const last = await report();
    await watch.lines.until((all) => all.some((each) => numberOf(each) === last));
    const events = watch.lines.all.map((each) => JSON.parse(each) as { subject: string; type: string });
    expect(new Set(events.map(({ subject }) => subject))).toEqual(new Set(['fan-2']));
    expect(events.at(-1)).toMatchObject({ type: 'fieldgate.telemetry.v1', data: { readings: { n: last } } });
    expect(await watch.interrupt()).toBe(0);
  });

  it('says on standard error that the connection is lost, and that it is there again', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': connected\n\n');
      asked.push(response);
    });
    const asked = new Inbox<ServerResponse>();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // a TCP server that listens has one
    const away = new CommandLine(() => ({ httpOf: () => `http://127.0.0.1:${port}` }));
    const watch = away.follow('watch', '--json');
    await asked.until((all) => all.length === 1);
    asked.all[0]?.destroy();
    await asked.until((all) => all.length === 2);
    await watch.errors.until((all) => all.length === 2);
    expect(watch.errors.all).toEqual([
      expect.stringMatching(/^fieldgate: not connected, trying again: \S/),
      'fieldgate: connected again',
    ]);
    expect(watch.lines.all).toEqual([]);
    expect(await watch.interrupt()).toBe(0);
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  it('ends when it is refused', async () => {
    const http = deployment.httpOf('operator-api');
    expect(await fieldgate(['watch', '--http', http], 'not-the-right-key-0')).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('[unauthorized]'),
    });
    expect(await line.ask('watch', '--device', 'not a name')).toMatchObject({
      code: 1,
      err: expect.stringContaining('[invalid-request]'),
    });
    expect(await line.ask('watch', '--nonsense')).toMatchObject({ code: 2 });
  });
});

function device(id: (typeof DEVICES)[number]): MqttClient {
  const client = clients[DEVICES.indexOf(id)];
  if (!client) throw new Error(`${id} is not connected`);
  return client;
}

/** Of a reading, else NaN. */
function numberOf(text: string): number {
  return Number(/"readings":\{"n":(\d+)\}/.exec(text)?.[1]);
}
