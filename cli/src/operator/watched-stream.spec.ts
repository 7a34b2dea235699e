import { expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiClient } from './api-client.js';
import type { StreamedEvent } from './watched-fleet.js';
import { followStream } from './watched-stream.js';

/** Says this, and then nothing more. */
interface Unfinished {
  readonly says: string;
}

/** Follows what a server says, until it says `last`; the ids it was asked to go on from. */
async function followed(
  answers: readonly (string | Unfinished)[],
  silenceMs?: number,
): Promise<{ asked: (string | undefined)[]; events: StreamedEvent[]; connection: string[] }> {
  const asked: (string | undefined)[] = [];
  const events: StreamedEvent[] = [];
  const connection: string[] = [];
  const server = createServer(((request, response) => {
    const answer = answers[asked.length] ?? '';
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (typeof answer === 'string') response.end(answer);
    else response.write(answer.says);
    asked.push(request.headers['last-event-id'] as string | undefined); // a list only for headers that node knows as such
  }) satisfies RequestListener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const over = new AbortController();
  const api = new ApiClient(`http://127.0.0.1:${port}`, 'key');
  const watched = { api, filter: {}, ...(silenceMs === undefined ? {} : { silenceMs }) };
  await followStream(watched, over.signal, {
    take: (event) => {
      events.push(event);
      if (event.event === 'last') over.abort();
    },
    connected: () => void connection.push('connected'),
    lost: (reason) => void connection.push(reason),
  });
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  return { asked, events, connection };
}

const position = (id: string): string => `: connected\nevent: position\ndata: {}\nid: ${id}\n\n`;

it('goes on from where the stream stood, though nothing had come until then', async () => {
  const { asked, events } = await followed([position('a:1'), position('a:1'), 'event: last\ndata: {}\n\n']);
  expect(asked).toEqual([undefined, 'a:1', 'a:1']);
  expect(events).toEqual([{ event: 'last', data: '{}' }]);
});

it('goes on after the last event', async () => {
  const { asked } = await followed([
    `${position('a:1')}event: alert\ndata: {}\nid: a:2\n\n`,
    'event: last\ndata: {}\n\n',
  ]);
  expect(asked).toEqual([undefined, 'a:2']);
});

it('says when the connection is lost, and when it is there again', async () => {
  const { connection } = await followed([position('a:1'), 'event: last\ndata: {}\n\n']);
  expect(connection).toEqual(['connected', 'the connection has ended', 'connected']);
});

it('takes a server for gone that says nothing any more', async () => {
  const { asked, connection } = await followed([{ says: position('a:1') }, 'event: last\ndata: {}\n\n'], 50);
  expect(asked).toEqual([undefined, 'a:1']);
  expect(connection).toEqual(['connected', 'nothing is heard any more', 'connected']);
});
