import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { GatewayApi } from './gateway-api.js';

type Answer = [status: number, body: unknown];

let server: Server;
let api: GatewayApi;
let answer: (call: string, body: unknown) => Answer;
const calls: string[] = [];

beforeEach(async () => {
  calls.length = 0;
  server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const call = `${request.method} ${request.url}`;
      calls.push(call);
      const [status, said] =
        request.headers.authorization === 'Bearer key' ? answer(call, body) : [401, { code: 'unauthorized' }];
      response.writeHead(status).end(typeof said === 'string' ? said : JSON.stringify(said));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  api = apiWith({ adminKey: 'key' });
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

function apiWith(settings: { adminKey: string; patienceMs?: number }): GatewayApi {
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return new GatewayApi({
    url: `http://127.0.0.1:${port}`,
    patienceMs: 1_000,
    pause: () => Promise.resolve(),
    ...settings,
  });
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text === '' ? undefined : JSON.parse(text);
}

async function all(values: AsyncIterable<unknown>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const value of values) found.push(value);
  return found;
}

describe('registering a fleet', () => {
  it('asks for 1,000 at a time', async () => {
    answer = (_call, body) => [201, (body as { id: string }[]).map(({ id }) => ({ id, secret: `s-${id}` }))]; // an array was sent
    const ids = Array.from({ length: 2_500 }, (_, index) => `d${index}`);
    const secrets = await api.registerDevices(ids, 'pump');
    expect(secrets.size).toBe(2_500);
    expect(secrets.get('d2499')).toBe('s-d2499');
    expect(calls).toHaveLength(3);
  });

  it('gives a new secret to those that exist', async () => {
    answer = (call) =>
      call === 'POST /v1/devices'
        ? [
            201,
            [
              { id: 'a', secret: 'sa' },
              { id: 'b', error: { code: 'device-exists' } },
            ],
          ]
        : [200, { id: 'b', secret: 'sb' }];
    expect([...(await api.registerDevices(['a', 'b'], 'pump'))]).toEqual([
      ['a', 'sa'],
      ['b', 'sb'],
    ]);
    expect(calls).toEqual(['POST /v1/devices', 'POST /v1/devices/b/secret']);
  });

  it('takes a 409 for: all of them exist', async () => {
    answer = (call) =>
      call === 'POST /v1/devices' ? [409, { code: 'device-exists' }] : [200, { secret: 's' }];
    expect((await api.registerDevices(['a', 'b'], 'pump')).size).toBe(2);
  });
});

describe('reading stored values', () => {
  it('pages by time, and shows each point once, also where a page ends in the middle of a millisecond', async () => {
    const points = Array.from({ length: 25_000 }, (_, index): [number, number] => [
      Math.floor(index / 3),
      index,
    ]);
    answer = (call) => {
      const query = new URL(call.slice(4), 'http://x').searchParams;
      const [from, to, limit] = ['from', 'to', 'limit'].map((name) => Number(query.get(name))) as [
        number,
        number,
        number,
      ]; // three names
      const page = points.filter(([ms]) => ms >= from && ms < to).slice(0, limit);
      return [200, { deviceId: 'a', series: [{ metric: 'n', points: page }] }];
    };
    expect(await all(api.values('a', 'n', 0, 8_000))).toEqual(
      Array.from({ length: 24_000 }, (_, index) => index),
    );
    expect(calls).toHaveLength(3);
  });

  it('shows nothing of a device without points', async () => {
    answer = () => [200, { deviceId: 'a', series: [] }];
    expect(await all(api.values('a', 'n', 0, 1))).toEqual([]);
  });
});

describe('errors', () => {
  it('asks again while the gateway is not ready', async () => {
    answer = () => (calls.length < 3 ? [503, { code: 'not-ready' }] : [200, { series: [] }]);
    expect(await all(api.values('a', 'n', 0, 1))).toEqual([]);
    expect(calls).toHaveLength(3);
  });

  it('gives up when patience ends', async () => {
    answer = () => [503, '<html>'];
    await expect(all(api.values('a', 'n', 0, 1))).rejects.toMatchObject({ code: 'gateway-unreachable' });
    expect(calls).toHaveLength(3); // 1 s of patience, a try every half second
  });

  it('does not ask again with a wrong key', async () => {
    await expect(all(apiWith({ adminKey: 'wrong' }).values('a', 'n', 0, 1))).rejects.toMatchObject({
      code: 'unauthorized',
      retriable: false,
    });
    expect(calls).toHaveLength(1);
  });

  it('names the address that does not answer', async () => {
    const away = new GatewayApi({
      url: 'http://127.0.0.1:1',
      adminKey: 'key',
      patienceMs: 0,
      pause: () => Promise.resolve(),
    });
    await expect(away.registerDevices(['a'], 'pump')).rejects.toMatchObject({
      code: 'gateway-unreachable',
      message: 'no answer from http://127.0.0.1:1',
    });
  });

  it('does not take another server for a gateway', async () => {
    answer = () => [200, '<html>'];
    await expect(all(api.values('a', 'n', 0, 1))).rejects.toThrow();
  });
});
