import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { metric } from './metrics.js';

const PAGE = `# HELP waiting_records Records that wait
# TYPE waiting_records gauge
waiting_records 7

# HELP refused_total By code
# TYPE refused_total counter
refused_total{code="a"} 3
`;

let server: Server;
let url = '';
let status = 200;
beforeAll(async () => {
  server = createServer((_, response) => response.writeHead(status).end(PAGE)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a port
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

it('reads a sample', async () => {
  expect(await metric(url, 'waiting_records')).toBe(7);
  expect(await metric(url, 'refused_total{code="a"}')).toBe(3);
});

it('takes labels that were not counted yet for 0', async () => {
  expect(await metric(url, 'refused_total{code="b"}')).toBe(0);
});

it('takes no metric of another name for 0', async () => {
  await expect(metric(url, 'waiting')).rejects.toThrow('has no waiting');
  await expect(metric(url, 'refused{code="a"}')).rejects.toThrow('has no refused');
  await expect(metric(url, 'refused_total')).rejects.toThrow('without labels');
});

it('takes no page of an error for one', async () => {
  status = 500;
  await expect(metric(url, 'waiting_records')).rejects.toThrow('500');
  status = 200;
});
