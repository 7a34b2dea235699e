import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { OneWay } from './one-way.js';
import { NO_FAULT, type ProxyFault } from './proxy-fault.js';

interface Pair {
  readonly client: Socket;
  /** Undefined while it is frozen or swallowed before it came to pass. */
  server: Socket | undefined;
  ways: readonly OneWay[];
  fault: () => ProxyFault;
}

/** Stands between two parties on 127.0.0.1; what it does to their connections can be changed at any time. */
export class Proxy {
  private fault: ProxyFault = NO_FAULT;
  private readonly pairs = new Set<Pair>();
  private answersLost = 0;
  private onAnswerLost: () => void = () => undefined;
  private stopped = false;

  private constructor(
    private readonly listener: Server,
    readonly port: number,
    /** May change: those who are connected stay with the old one. */
    public target: number,
  ) {
    listener.on('connection', (client) => this.accept(client));
  }

  static async open(target: number, port = 0): Promise<Proxy> {
    const listener = createServer({ allowHalfOpen: true, noDelay: true });
    listener.listen(port, '127.0.0.1');
    await once(listener, 'listening');
    return new Proxy(listener, (listener.address() as AddressInfo).port, target); // it listens on TCP
  }

  get connections(): number {
    return this.pairs.size;
  }

  /** On the connections that there are. */
  get bytesSwallowed(): number {
    let bytes = 0;
    for (const { client, server, ways } of this.pairs) {
      if (server === undefined) bytes += client.bytesRead;
      for (const { swallowedBytes } of ways) bytes += swallowedBytes;
    }
    return bytes;
  }

  async set(fault: ProxyFault): Promise<void> {
    const before = this.fault;
    this.fault = fault;
    if (before.kind === 'black hole')
      for (const pair of this.pairs)
        if (pair.server === undefined || pair.ways.some(({ swallowedBytes }) => swallowedBytes > 0))
          reset(pair);
    if (fault.kind === 'refuse') {
      this.cut();
      if (this.listener.listening) await new Promise((resolve) => this.listener.close(resolve));
    } else if (!this.listener.listening && !this.stopped) {
      this.listener.listen(this.port, '127.0.0.1');
      await once(this.listener, 'listening');
    }
    for (const pair of this.pairs) {
      for (const socket of [pair.client, pair.server]) if (socket?.destroyed) this.leave(pair, socket);
      this.look(pair);
    }
  }

  /** Destroys the connections that there are. */
  cut(): void {
    for (const { client, server } of this.pairs) for (const socket of [client, server]) socket?.destroy();
  }

  /** The same by RST. */
  reset(): void {
    this.pairs.forEach(reset);
  }

  /** Nothing passes any more on the connections that there are, and neither end is told; new ones work. */
  halfOpen(): void {
    for (const pair of this.pairs) {
      pair.fault = () => ({ kind: 'black hole' });
      this.look(pair);
    }
  }

  /** Resolves when an answer is lost from now on. */
  async answerLost(): Promise<void> {
    const before = this.answersLost;
    await new Promise<void>((resolve) => {
      this.onAnswerLost = () => {
        if (this.answersLost > before) resolve();
      };
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cut();
    if (this.listener.listening) await new Promise((resolve) => this.listener.close(resolve));
  }

  private accept(client: Socket): void {
    const pair: Pair = { client, server: undefined, ways: [], fault: () => this.fault };
    this.pairs.add(pair);
    client.on('error', () => undefined); // `close` follows
    client.once('close', () => this.leave(pair, client));
    client.pause();
    this.look(pair);
  }

  private look(pair: Pair): void {
    const { kind } = pair.fault();
    if (pair.server !== undefined) pair.ways.forEach((way) => way.move());
    else if (kind === 'black hole') pair.client.resume();
    else if (kind !== 'freeze' && !pair.client.destroyed) this.lead(pair);
  }

  private lead(pair: Pair): void {
    const server = connect({ port: this.target, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    pair.server = server;
    server.on('error', () => undefined); // `close` follows
    server.once('close', () => this.leave(pair, server));
    server.on('data', () => this.loseAnswer(pair));
    const fault = (): ProxyFault => pair.fault();
    pair.ways = [new OneWay(pair.client, server, fault), new OneWay(server, pair.client, fault)];
    pair.ways.forEach((way) => way.move());
  }

  private loseAnswer(pair: Pair): void {
    if (pair.fault().kind !== 'lose answers') return;
    pair.client.destroy();
    pair.server?.destroy();
    this.answersLost += 1;
    this.onAnswerLost();
  }

  /** The other end is told, but for one that lies behind a fault in which nothing is told. */
  private leave(pair: Pair, gone: Socket): void {
    const { kind } = pair.fault();
    const other = gone === pair.client ? pair.server : pair.client;
    const isSilent = kind === 'black hole' || kind === 'freeze';
    if (other !== undefined && !other.destroyed && isSilent && !this.stopped) return;
    other?.destroy();
    if (pair.client.destroyed && (pair.server?.destroyed ?? true)) this.pairs.delete(pair);
  }
}

function reset({ client, server }: Pair): void {
  client.resetAndDestroy();
  server?.resetAndDestroy();
}
