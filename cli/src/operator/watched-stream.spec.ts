import { expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiClient } from './api-client.js';
import type { StreamedEvent } from './watched-fleet.js';
import { followStream } from './watched-stream.js';

/** Follows what a server says, until it says `last`; the ids it was asked to go on from. */
async function followed(
  answers: readonly string[],
): Promise<{ asked: (string | undefined)[]; events: StreamedEvent[] }> {
  const asked: (string | undefined)[] = [];
  const events: StreamedEvent[] = [];
  const server = createServer(((request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(answers[asked.length]);
    asked.push(request.headers['last-event-id'] as string | undefined); // a list only for headers that node knows as such
  }) satisfies RequestListener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const over = new AbortController();
  await followStream(new ApiClient(`http://127.0.0.1:${port}`, 'key'), {}, over.signal, (event) => {
    events.push(event);
    if (event.event === 'last') over.abort();
  });
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  return { asked, events };
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
