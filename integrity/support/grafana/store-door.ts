import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** InfluxDB behind a door: it answers as ever, or a write finds it shut. */
export class StoreDoor {
  private refused: (() => void) | undefined;

  private constructor(
    private readonly server: Server,
    private readonly influx: string,
  ) {}

  static async open(influx: string): Promise<StoreDoor> {
    const server = createServer().listen(0, '127.0.0.1');
    server.keepAliveTimeout = 0; // as InfluxDB: a connection closed in the moment of its next request would be a refusal more
    await once(server, 'listening');
    const door = new StoreDoor(server, influx);
    server.on('request', (asked, response) => door.pass(asked, response));
    return door;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`; // it listens on TCP
  }

  /** The next write is; resolves when it was. */
  refusesOne(): Promise<void> {
    return new Promise((resolve) => {
      this.refused = resolve;
    });
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }

  private pass(asked: IncomingMessage, response: ServerResponse): void {
    const { method, url = '/', headers } = asked;
    const { refused } = this;
    if (refused && url.startsWith('/write')) {
      this.refused = undefined;
      asked.resume().once('end', () => {
        response.writeHead(503).end();
        refused();
      });
      return;
    }
    const passed = request(new URL(url, this.influx), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy()); // who asked sees it as it is: no answer
    asked.pipe(passed);
  }
}
