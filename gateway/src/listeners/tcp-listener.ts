import { createServer, type AddressInfo, type Server } from 'node:net';
import type { Accept } from './accept.js';
import { listen, SOCKET_OPTIONS, type Endpoint, type Listener } from './listening.js';

/** MQTT over plain TCP. */
export class TcpListener implements Listener {
  readonly scheme = 'mqtt';
  private readonly server: Server;

  constructor(
    private readonly endpoint: Endpoint,
    private readonly failed: (error: Error) => void,
    accept: Accept,
  ) {
    this.server = createServer(SOCKET_OPTIONS, (socket) => accept(socket, socket.remoteAddress));
  }

  start(): Promise<AddressInfo> {
    return listen(this.server, this.endpoint, this.failed);
  }

  close(): void {
    this.server.close();
  }
}
