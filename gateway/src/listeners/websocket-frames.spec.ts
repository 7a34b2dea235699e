import { expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { atEndOfTest } from '../testing/given-gateway.js';
import { frameStream } from './frame-stream.js';
import { WebSocketListener } from './websocket-listener.js';

const FRAME_BYTES = 1_000;
const CONNECT_FRAME_BYTES = 100;

/** A listener, and the stream that it has made of this client's frames. */
async function open(subprotocols: string[]): Promise<{ socket: WebSocket; stream: Duplex }> {
  const streams: Duplex[] = [];
  const listener = new WebSocketListener(
    { host: '127.0.0.1', port: 0, portVariable: 'FIELDGATE_MQTT_WS_PORT', maxConnections: 10 },
    (error) => streams[0]?.destroy(error),
    { connectFrameBytes: CONNECT_FRAME_BYTES, maximumFrameBytes: FRAME_BYTES },
    (stream) => streams.push(stream),
  );
  const { port } = await listener.start();
  const socket = new WebSocket(`ws://127.0.0.1:${port}/anywhere`, subprotocols);
  atEndOfTest(() => {
    socket.terminate();
    listener.close();
    return Promise.resolve();
  });
  await once(socket, 'open');
  const [stream] = streams;
  if (!stream) throw new Error('the listener has handed nothing over');
  stream.on('error', () => undefined); // a connection that the test breaks
  return { socket, stream };
}

it('several packets in a frame, and a packet in several frames, are one stream of bytes', async () => {
  const { socket, stream } = await open(['mqtt']);
  let heard = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => (heard = Buffer.concat([heard, chunk])));
  const sent = Buffer.from('c000c000c0003007000161', 'hex');
  for (const [from, to] of [
    [0, 5],
    [5, 6],
    [6, 11],
  ] as const)
    socket.send(sent.subarray(from, to));
  while (heard.length < sent.length) await once(stream, 'data');
  expect(heard).toEqual(sent);
  const answer = once(socket, 'message');
  stream.write(Buffer.from('d000', 'hex'));
  expect(await answer).toEqual([Buffer.from('d000', 'hex'), true]); // a binary frame
});

it('the subprotocol mqtt is chosen, whatever else is offered', async () => {
  expect((await open(['chat', 'mqttv3.1', 'mqtt'])).socket.protocol).toBe('mqtt');
});

it('a frame that is larger than that of a CONNECT closes the connection, as long as nothing was answered', async () => {
  const { socket } = await open(['mqtt']);
  socket.send(Buffer.alloc(CONNECT_FRAME_BYTES));
  socket.send(Buffer.alloc(CONNECT_FRAME_BYTES + 1));
  expect((await once(socket, 'close'))[0]).toBe(1_009); // message too big
});

it('a frame that is larger than any packets may be closes the connection', async () => {
  const { socket, stream } = await open(['mqtt']);
  stream.write(Buffer.from('20020000', 'hex')); // CONNACK
  await once(socket, 'message');
  const arrived = once(stream, 'data');
  socket.send(Buffer.alloc(FRAME_BYTES));
  expect((await arrived)[0]).toHaveLength(FRAME_BYTES);
  socket.send(Buffer.alloc(FRAME_BYTES + 1));
  expect((await once(socket, 'close'))[0]).toBe(1_009); // message too big
});

it('a release of ws that calls its private members something else costs the limit of the CONNECT, and nothing more', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: FRAME_BYTES });
  atEndOfTest(() => Promise.resolve(server.close()));
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens by TCP
  const client = new WebSocket(`ws://127.0.0.1:${port}`);
  const opened = once(client, 'open');
  const [accepted] = (await once(server, 'connection')) as [WebSocket]; // what ws emits
  await opened;
  atEndOfTest(() => {
    client.terminate();
    accepted.terminate();
    return Promise.resolve();
  });
  const renamed = new Proxy(accepted, {
    get: (socket, name) => {
      const value: unknown = name === '_receiver' ? undefined : Reflect.get(socket, name);
      return typeof value === 'function' ? (value.bind(socket) as unknown) : value;
    },
  });
  const limits = { connectFrameBytes: CONNECT_FRAME_BYTES, maximumFrameBytes: FRAME_BYTES };
  const stream = frameStream(renamed, limits);
  const arrived = once(stream, 'data');
  client.send(Buffer.alloc(FRAME_BYTES));
  expect((await arrived)[0]).toHaveLength(FRAME_BYTES);
  client.send(Buffer.alloc(FRAME_BYTES + 1));
  expect((await once(client, 'close'))[0]).toBe(1_009); // message too big
});
