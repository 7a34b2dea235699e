import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Asked {
  readonly isWrite: boolean;
  readonly bytes: number;
}

/** In the place of InfluxDB. */
export interface Answer {
  readonly status: number;
  readonly error: string;
  readonly retryAfter?: string;
}

export const PASS = (): undefined => undefined;

/** HTTP in front of InfluxDB: answers in its place what it cannot be made to answer itself, and passes on the rest. */
export class StoreFront {
  /** Undefined: passed on. */
  answer: (asked: Asked) => Answer | undefined = PASS;
  /** `performance.now()` of each write that InfluxDB has answered. */
  readonly passedAt: number[] = [];
  /** And of each request, of either kind, that was answered in its place: when it came. */
  readonly answeredAt: number[] = [];

  private constructor(
    private readonly server: Server,
    private readonly targets: readonly string[],
  ) {
    server.on('request', (asked, answered) => {
      this.serve(asked, answered).catch(() => answered.destroy()); // whoever asks sees that InfluxDB is away
    });
  }

  /** The first of the targets decides; what it takes goes to the next one as well. */
  static async open(targets: readonly string[]): Promise<StoreFront> {
    const server = createServer();
    server.keepAliveTimeout = 0; // as InfluxDB: idle connections stay
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new StoreFront(server, targets);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port; // it listens on TCP
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private async serve(asked: IncomingMessage, answered: ServerResponse): Promise<void> {
    const cameAt = performance.now();
    const parts: Buffer[] = [];
    for await (const part of asked) parts.push(part as Buffer); // no encoding is set
    const body = Buffer.concat(parts);
    const isWrite = asked.url?.startsWith('/write') ?? false;
    const instead = this.answer({ isWrite, bytes: body.length });
    if (instead === undefined) {
      await this.pass(asked, body, answered);
      if (isWrite) this.passedAt.push(performance.now());
      return;
    }
    this.answeredAt.push(cameAt);
    const { status, error, retryAfter } = instead;
    const headers = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
    answered.writeHead(status, { 'content-type': 'application/json', ...headers });
    answered.end(JSON.stringify({ error }));
  }

  private async pass(asked: IncomingMessage, body: Buffer, answered: ServerResponse): Promise<void> {
    let status = 500;
    let text = '';
    for (const target of this.targets) {
      const answer = await fetch(new URL(asked.url ?? '/', target), {
        method: asked.method ?? 'GET',
        headers: headersOf(asked),
        ...(asked.method === 'POST' ? { body } : {}),
      });
      status = answer.status;
      text = await answer.text();
      if (!answer.ok) break;
    }
    answered.writeHead(status, { 'content-type': 'application/json' });
    answered.end(text);
  }
}

function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const passed = ['authorization', 'content-type'] as const;
  return Object.fromEntries(passed.flatMap((name) => (headers[name] ? [[name, headers[name]]] : [])));
}
