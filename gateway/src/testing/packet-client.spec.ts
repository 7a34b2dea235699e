import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { generate } from 'mqtt-packet';
import { PacketClient } from './packet-client.js';

let server: Server;
let accepted: Socket;
let client: PacketClient;

/** A server that says nothing by itself. */
beforeEach(async () => {
  server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = once(server, 'connection') as Promise<[Socket]>; // what a net.Server emits
  client = await PacketClient.open((server.address() as AddressInfo) /* it listens by TCP */.port);
  [accepted] = await connection;
});

afterEach(async () => {
  client.destroy();
  accepted.destroy();
  server.close();
  await once(server, 'close');
});

it('says so when the answer does not come', async () => {
  await expect(client.next(20)).rejects.toThrow('the gateway has sent no packet within 20 ms');
});

it('says so when the connection is closed instead', async () => {
  const next = client.next();
  accepted.end();
  await expect(next).rejects.toThrow('the gateway has closed the connection');
});

it('has the packets one after the other, also those that came before they were asked for', async () => {
  const packets = [{ cmd: 'pingresp' }, { cmd: 'puback', messageId: 7 }] as const;
  const first = client.next();
  for (const packet of packets) accepted.write(generate(packet));
  expect(await first).toMatchObject(packets[0]);
  expect(await client.next()).toMatchObject(packets[1]);
});
