import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { ApiClient } from './api-client.js';

let server: Server;
let url: string;
let serve: RequestListener;

beforeEach(async () => {
  server = createServer((request, response) => serve(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const ANY = z.unknown();

it('says that there was no answer in time, and that it may be tried again', async () => {
  serve = () => undefined;
  await expect(new ApiClient(url, 'key', 50).get('/v1/a', ANY)).rejects.toMatchObject({
    code: 'gateway-unreachable',
    retriable: true,
    message: `no answer from ${url} within 0.05 s`,
  });
  await expect(new ApiClient(url, 'key', 50).delete('/v1/a')).rejects.toMatchObject({ retriable: true });
});

it('says that an answer broke off', async () => {
  serve = (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
    response.write('{"a":', () => response.destroy());
  };
  await expect(new ApiClient(url, 'key').get('/v1/a', ANY)).rejects.toMatchObject({
    code: 'gateway-unreachable',
    retriable: true,
    message: `the answer of ${url} broke off`,
  });
});
