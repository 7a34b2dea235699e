import { appended } from '@fieldgate/commit-log';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { register } from 'prom-client';
import { ApiUnderTest } from '../testing/api-under-test.js';
import { StreamClients } from './stream-clients.js';

let api: ApiUnderTest;

/** A client that reads until it is connected, and then only what the test says. */
class HeldClient {
  readonly response = new ServerResponse(new IncomingMessage(new Socket()));
  private text = '';
  private taken: (() => void) | undefined;

  private constructor() {
    const connection = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, taken) => {
        const isConnecting = !this.text.includes(': connected\n');
        this.text += chunk.toString();
        if (isConnecting) taken();
        else this.taken = taken;
      },
    });
    this.response.assignSocket(connection as Socket); // what an answer uses of a socket is that it is a stream
  }

  static async served(): Promise<HeldClient> {
    const client = new HeldClient();
    api.get(StreamClients).serve(client.response, { topics: ['events'] });
    await until(() => client.text.includes(': connected\n') && client.response.writableLength === 0);
    return client;
  }

  /** One event, which waits for it then, or was its end. */
  async isTold(id: string, bytes = 1_000): Promise<void> {
    const before = this.response.writableLength;
    const value = Buffer.from(JSON.stringify({ id, data: 'x'.repeat(bytes) }));
    await appended(api.log.writer, { topic: 'fieldgate.events.v1', key: 'pump-7', value });
    await until(() => this.response.writableLength > before + 1_000 || this.response.destroyed);
  }

  async takesOne(): Promise<void> {
    await until(() => this.taken !== undefined);
    const { taken } = this;
    this.taken = undefined;
    taken?.();
    await until(() => this.taken !== undefined || this.response.writableLength === 0);
  }
}

beforeEach(async () => {
  register.resetMetrics();
  api = await (await new ApiUnderTest().start()).ready();
});
afterEach(() => api.stop());

it('drops a client that takes nothing for 30 s, however little waits for it', async () => {
  const client = await HeldClient.served();
  await client.isTold('1');
  api.monotonic.ms += 29_999;
  await client.isTold('2');
  expect(client.response.destroyed).toBe(false);
  api.monotonic.ms += 1;
  await client.isTold('3');
  expect(client.response.destroyed).toBe(true);
  expect(await dropped()).toEqual({ unread: 1 });
});

it('keeps a client that is late, and takes something within 30 s', async () => {
  const client = await HeldClient.served();
  for (let n = 1; n <= 5; n++) {
    await client.isTold(`${n}a`);
    await client.isTold(`${n}b`);
    api.monotonic.ms += 20_000;
    await client.takesOne();
  }
  while (client.response.writableLength > 0) await client.takesOne();
  api.monotonic.ms += 60_000; // nothing waits for it: it has all
  await client.isTold('newest');
  expect(client.response.destroyed).toBe(false);
  expect(await dropped()).toEqual({});
});

it('drops a client for which more than 1 MiB waits', async () => {
  const client = await HeldClient.served();
  for (let n = 0; n < 900; n++) await client.isTold(String(n));
  expect(client.response.destroyed).toBe(false);
  for (let n = 0; n < 200; n++) await client.isTold(String(n));
  expect(client.response.destroyed).toBe(true);
  expect(await dropped()).toEqual({ slow: 1 });
});

it('keeps a client to which one event of more than that is written, and nothing waited before', async () => {
  const client = await HeldClient.served();
  await client.isTold('big', 1_048_550); // the largest that the log takes
  expect(client.response.destroyed).toBe(false);
  await client.isTold('and another');
  expect(await dropped()).toEqual({ slow: 1 });
});

it('does not wait, when the process stops, for a client that does not read to the end', async () => {
  const client = await HeldClient.served();
  await client.isTold('1');
  await api.stop();
  expect(client.response.destroyed).toBe(true);
  expect(await dropped()).toEqual({ stopping: 1 });
});

async function dropped(): Promise<Record<string, number>> {
  const metric = await register.getSingleMetric('fieldgate_stream_dropped_clients_total')?.get();
  return Object.fromEntries((metric?.values ?? []).map(({ labels, value }) => [labels['reason'], value]));
}

async function until(holds: () => boolean): Promise<void> {
  for (const endMs = performance.now() + 10_000; !holds();) {
    if (performance.now() > endMs) throw new Error(`still not so: ${holds.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
