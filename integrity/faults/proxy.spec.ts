import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Inbox } from '@fieldgate/commit-log/testing';
import { until } from '../support/operator.js';
import { Proxy } from './proxy.js';

/** Answers with what it is told. */
let echo: Server;
let heard: Inbox<string>;
/** The first words of those whose connections have ended. */
let left: Inbox<string>;
let proxy: Proxy;
let clients: Socket[];

beforeEach(async () => {
  heard = new Inbox();
  left = new Inbox();
  clients = [];
  echo = createServer((socket) => {
    socket.on('error', () => undefined); // resets are part of these tests
    socket.once('data', (bytes) => socket.once('close', () => left.push(bytes.toString())));
    socket.on('data', (bytes) => {
      heard.push(bytes.toString());
      socket.write(bytes);
    });
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await Proxy.open((echo.address() as AddressInfo).port); // it listens on TCP
});

afterEach(async () => {
  for (const client of clients) client.destroy();
  await proxy.stop();
  echo.close();
});

class Client {
  readonly answers = new Inbox<string>();
  readonly ends = new Inbox<string>();

  constructor(readonly socket: Socket) {
    socket.on('data', (bytes) => this.answers.push(bytes.toString()));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => this.ends.push(code ?? 'error'));
    socket.on('close', () => this.ends.push('close'));
  }

  async asks(text: string): Promise<string> {
    const before = this.answers.all.join('').length;
    this.socket.write(text);
    await this.answers.until((all) => all.join('').length >= before + text.length);
    return this.answers.all.join('').slice(before);
  }
}

async function opened(port = proxy.port): Promise<Client> {
  const socket = connect(port, '127.0.0.1');
  clients.push(socket);
  const client = new Client(socket);
  await once(socket, 'connect');
  return client;
}

/** So many answers past the proxy: what it does not hold back has arrived meanwhile. */
async function longEnough(): Promise<void> {
  const beside = await opened((echo.address() as AddressInfo).port); // it listens on TCP
  for (let n = 0; n < 50; n++) await beside.asks(`beside ${n}`);
  beside.socket.destroy();
  await beside.ends.count(1);
}

describe('a proxy', () => {
  it('passes what it is given, both ways, and the end too', async () => {
    const client = await opened();
    expect(await client.asks('ping')).toBe('ping');
    expect(await client.asks('x'.repeat(3_000_000))).toHaveLength(3_000_000);
    client.socket.end();
    await client.ends.count(1);
    expect(client.ends.all).toEqual(['close']);
  });

  it('delays each way', async () => {
    const client = await opened();
    await proxy.set({ kind: 'delay', ms: 60 });
    const started = performance.now();
    expect(await client.asks('ping')).toBe('ping');
    expect(performance.now() - started).toBeGreaterThanOrEqual(115);
  });

  it('lets so many bytes a second pass', async () => {
    const client = await opened();
    await proxy.set({ kind: 'throttle', bytesPerSecond: 10_000 });
    const started = performance.now();
    await client.asks('x'.repeat(4_000));
    expect(performance.now() - started).toBeGreaterThan(300);
  });

  it('freezes: nothing is lost and everything goes on, also for who came meanwhile', async () => {
    const before = await opened();
    await before.asks('1');
    await proxy.set({ kind: 'freeze' });
    const meanwhile = await opened();
    before.socket.write('2');
    meanwhile.socket.write('3');
    await longEnough();
    expect(heard.all).not.toContain('2');
    expect(heard.all).not.toContain('3');
    await proxy.set({ kind: 'none' });
    await Promise.all([before.answers.until((all) => all.join('') === '12'), meanwhile.answers.count(1)]);
  });

  it('swallows, and resets at the end who has lost something', async () => {
    const talking = await opened();
    const silent = await opened();
    await Promise.all([talking.asks('1'), silent.asks('1')]);
    await proxy.set({ kind: 'black hole' });
    const meanwhile = await opened();
    talking.socket.write('lost');
    meanwhile.socket.write('lost');
    await until(
      () => Promise.resolve(proxy.bytesSwallowed),
      (bytes) => bytes === 8,
      10_000,
    );
    await proxy.set({ kind: 'none' });
    await Promise.all([talking.ends.count(1), meanwhile.ends.count(1)]);
    expect(await silent.asks('2')).toBe('2');
    expect(heard.all.join('')).toBe('112');
  });

  it('refuses, and takes connections again on the same port', async () => {
    const client = await opened();
    await client.asks('1');
    await proxy.set({ kind: 'refuse' });
    await client.ends.count(1);
    await expect(opened()).rejects.toThrow('ECONNREFUSED');
    await proxy.set({ kind: 'none' });
    expect(await (await opened()).asks('2')).toBe('2');
  });

  it('loses the answer to a request that has arrived', async () => {
    const client = await opened();
    await client.asks('1');
    await proxy.set({ kind: 'lose answers' });
    const lost = proxy.answerLost();
    client.socket.write('2');
    await Promise.all([lost, client.ends.count(1), heard.until((all) => all.includes('2'))]);
    expect(client.answers.all).toEqual(['1']);
  });

  it('resets, which the other end hears as such', async () => {
    const client = await opened();
    await client.asks('1');
    proxy.reset();
    await client.ends.count(2);
    expect(client.ends.all).toEqual(['ECONNRESET', 'close']);
  });

  it('leaves a connection half open: the server never hears of it again, and a new one works', async () => {
    const lost = await opened();
    await lost.asks('1');
    proxy.halfOpen();
    lost.socket.write('2');
    lost.socket.resetAndDestroy();
    expect(await (await opened()).asks('3')).toBe('3');
    await longEnough();
    expect(heard.all).not.toContain('2');
    expect(left.all).not.toContain('1');
  });
});
