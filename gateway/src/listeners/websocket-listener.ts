import { createServer as createHttpServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions } from 'ws';
import type { Accept } from './accept.js';
import type { Certificate } from './certificate.js';
import type { DoorLines } from './door-lines.js';
import { frameStream, type FrameLimits } from './frame-stream.js';
import { handshakeAddress, rememberAddresses } from './handshake-address.js';
import { listen, SOCKET_OPTIONS, type Endpoint, type Listener } from './listening.js';
import { TLS_HANDSHAKE_MS } from './tls-listener.js';

/** [MQTT-6.0.0-3], [MQTT-6.0.0-4]; `mqttv3.1` is what browsers of older libraries still offer. */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1'];
/** For the upgrade, before CONNECT has its own time. */
const HTTP_OPTIONS = {
  ...SOCKET_OPTIONS,
  headersTimeout: 10_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
};
/** Of what is not HTTP, by the codes of node's errors. */
const HTTP_ANSWERS = [
  {
    codes: /^HPE_/,
    status: '400 Bad Request',
    reason: 'what came is not HTTP: MQTT without WebSocket has another port',
  },
  {
    codes: /^ERR_HTTP_REQUEST_TIMEOUT$/,
    status: '408 Request Timeout',
    reason: 'no request to upgrade came within 10 s',
  },
] as const;
/** Milliseconds that a client has to answer a CLOSE, before its socket is torn down. */
const CLOSE_MS = 2_000;

/** MQTT over WebSocket, on any path; with a certificate: over a secure one. */
export class WebSocketListener implements Listener {
  readonly scheme: 'ws' | 'wss';
  private readonly server: Server | HttpsServer;
  private readonly sockets: WebSocketServer;
  private readonly forget: () => void;

  constructor(
    private readonly endpoint: Endpoint,
    private readonly failed: (error: Error) => void,
    options: FrameLimits & { readonly certificate?: Certificate; readonly lines?: DoorLines },
    accept: Accept,
  ) {
    const { certificate, lines } = options;
    const scheme = (this.scheme = certificate ? 'wss' : 'ws');
    const refused = ({ socket: { remoteAddress } }: IncomingMessage, reason: string): void =>
      lines?.webSocketRefused(scheme, remoteAddress, reason);
    if (certificate) {
      const secure = createHttpsServer({
        ...HTTP_OPTIONS,
        ...certificate.files,
        handshakeTimeout: TLS_HANDSHAKE_MS,
      });
      this.forget = certificate.changes((files) => secure.setSecureContext(files));
      rememberAddresses(secure);
      secure.on('tlsClientError', (error, socket) =>
        lines?.tlsFailed(scheme, handshakeAddress(socket), error),
      );
      this.server = secure;
    } else {
      this.forget = () => undefined;
      this.server = createHttpServer(HTTP_OPTIONS);
    }
    this.server.on('request', (_request, response) => {
      response
        .writeHead(426, { upgrade: 'websocket', connection: 'Upgrade, close' })
        .end('MQTT over WebSocket\n');
    });
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex & Partial<Socket>) => {
      const answer = HTTP_ANSWERS.find(({ codes }) => codes.test(error.code ?? ''));
      if (answer === undefined) return socket.destroy(); // TLS that failed, or a client that is gone
      lines?.webSocketRefused(scheme, socket.remoteAddress, answer.reason);
      // half-open sockets are allowed in HTTP: a stranger's would stay
      socket.end(`HTTP/1.1 ${answer.status}\r\nConnection: close\r\n\r\n`, () => socket.destroy());
    });
    const socketOptions: ServerOptions & { readonly closeTimeout: number } = {
      server: this.server,
      maxPayload: options.maximumFrameBytes,
      perMessageDeflate: false,
      closeTimeout: CLOSE_MS,
      verifyClient: ({ req }, answer) => {
        if (offersMqtt(req)) return answer(true);
        refused(req, 'the subprotocol is not mqtt');
        answer(false, 400, 'the subprotocol must be mqtt');
      },
      handleProtocols: (offered) => SUBPROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
    };
    this.sockets = new WebSocketServer(socketOptions);
    this.sockets.on('connection', (socket, request) =>
      accept(
        frameStream(socket, options, (reason) => refused(request, reason)),
        request.socket.remoteAddress,
      ),
    );
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

/** Who does not is refused by HTTP: a WebSocket that nobody wants is never opened. */
function offersMqtt(request: IncomingMessage): boolean {
  const offered = request.headers['sec-websocket-protocol']?.split(',') ?? [];
  return offered.some((protocol) => SUBPROTOCOLS.includes(protocol.trim()));
}
