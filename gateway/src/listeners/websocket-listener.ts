import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws';
import type { Accept } from './accept.js';
import type { Certificate } from './certificate.js';
import { listen, type Endpoint, type Listener } from './listening.js';
import { TLS_HANDSHAKE_MS } from './tls-listener.js';

/** [MQTT-6.0.0-3], [MQTT-6.0.0-4]; `mqttv3.1` is what browsers of older libraries still offer. */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1'];
/** CLOSE code of RFC 6455, 7.4.1: a text frame ([MQTT-6.0.0-1] wants binary ones). */
const UNSUPPORTED_DATA = 1003;

/** MQTT over WebSocket, on any path; with a certificate: over a secure one. */
export class WebSocketListener implements Listener {
  readonly scheme: 'ws' | 'wss';
  private readonly server: Server | HttpsServer;
  private readonly sockets: WebSocketServer;
  private readonly forget: () => void;

  constructor(
    private readonly endpoint: Endpoint,
    private readonly failed: (error: Error) => void,
    options: { readonly maximumFrameBytes: number; readonly certificate?: Certificate },
    accept: Accept,
  ) {
    const { certificate, maximumFrameBytes } = options;
    this.scheme = certificate ? 'wss' : 'ws';
    if (certificate) {
      const secure = createHttpsServer({ ...certificate.files, handshakeTimeout: TLS_HANDSHAKE_MS });
      this.forget = certificate.changes((files) => secure.setSecureContext(files));
      this.server = secure;
    } else {
      this.forget = () => undefined;
      this.server = createHttpServer();
    }
    this.server.on('request', (_request, response) => {
      response.writeHead(426, { upgrade: 'websocket', connection: 'Upgrade' }).end('MQTT over WebSocket\n');
    });
    this.sockets = new WebSocketServer({
      server: this.server,
      maxPayload: maximumFrameBytes,
      perMessageDeflate: false,
      handleProtocols: (offered) => SUBPROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
    });
    this.sockets.on('connection', (socket, request) => open(socket, request, accept));
    this.sockets.on('error', () => undefined); // the server's own errors come to `listen`
  }

  start(): Promise<AddressInfo> {
    return listen(this.server, this.endpoint, this.failed);
  }

  close(): void {
    this.forget();
    this.sockets.close();
    this.server.close();
  }
}

function open(socket: WebSocket, request: IncomingMessage, accept: Accept): void {
  if (!SUBPROTOCOLS.includes(socket.protocol)) return socket.close(1002, 'the subprotocol must be mqtt');
  socket.on('message', (_data, isBinary) => {
    if (!isBinary) socket.close(UNSUPPORTED_DATA, 'MQTT is binary');
  });
  accept(createWebSocketStream(socket), request.socket.remoteAddress);
}
