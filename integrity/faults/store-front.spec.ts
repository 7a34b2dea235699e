import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import { PASS, StoreFront } from './store-front.js';

const cleanUps: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanUps.splice(0).reverse()) await clean();
});

it('passes on what it does not answer, with its credentials, and the answer back', async () => {
  const { url, asked } = await influx(204);
  const front = await opened([url]);
  const answer = await fetch(`${front}/write?db=plant`, {
    method: 'POST',
    body: 'a b=1',
    headers: { authorization: 'Basic YTpi' },
  });
  expect(answer.status).toBe(204);
  expect(asked).toEqual(['POST /write?db=plant Basic YTpi: a b=1']);
});

it('answers in the place of InfluxDB, and counts both kinds', async () => {
  const { url, asked } = await influx(204);
  const front = await StoreFront.open([url]);
  cleanUps.push(() => front.stop());
  front.answer = ({ isWrite, bytes }) =>
    isWrite && bytes > 3 ? { status: 429, error: 'slower', retryAfter: '7' } : undefined;
  const write = (body: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${front.port}/write`, { method: 'POST', body });
  const refused = await write('long');
  expect([refused.status, refused.headers.get('retry-after'), await refused.text()]).toEqual([
    429,
    '7',
    '{"error":"slower"}',
  ]);
  await write('s');
  front.answer = PASS;
  await write('long');
  expect(asked).toHaveLength(2);
  expect([front.answeredAt.length, front.passedAt.length]).toEqual([1, 2]);
});

it('asks the second target only for what the first has taken', async () => {
  const [strict, store] = [await influx(401), await influx(204)];
  const front = await opened([strict.url, store.url]);
  expect((await fetch(`${front}/write`, { method: 'POST', body: 'a' })).status).toBe(401);
  expect([strict.asked.length, store.asked.length]).toEqual([1, 0]);
});

it('breaks the connection when InfluxDB is away', async () => {
  const front = await opened(['http://127.0.0.1:1']);
  await expect(fetch(`${front}/write`, { method: 'POST', body: 'a' })).rejects.toThrow('fetch failed');
});

async function opened(targets: readonly string[]): Promise<string> {
  const front = await StoreFront.open(targets);
  cleanUps.push(() => front.stop());
  return `http://127.0.0.1:${front.port}`;
}

/** Answers everything alike. */
async function influx(status: number): Promise<{ readonly url: string; readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}: ${body}`);
      response.writeHead(status).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUps.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { url: `http://127.0.0.1:${port}`, asked };
}
