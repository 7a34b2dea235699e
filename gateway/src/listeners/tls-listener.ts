import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:tls';
import type { Accept } from './accept.js';
import type { Certificate } from './certificate.js';
import type { DoorLines } from './door-lines.js';
import { handshakeAddress, rememberAddresses } from './handshake-address.js';
import { listen, SOCKET_OPTIONS, type Endpoint, type Listener } from './listening.js';

/** Milliseconds for the handshake of TLS, before CONNECT has its own. */
export const TLS_HANDSHAKE_MS = 10_000;

/** MQTT over TLS; connections that are made after a change of the certificate see the new one. */
export class TlsListener implements Listener {
  readonly scheme = 'mqtts';
  private readonly server: Server;
  private readonly forget: () => void;

  constructor(
    private readonly endpoint: Endpoint,
    private readonly failed: (error: Error) => void,
    { certificate, lines }: { readonly certificate: Certificate; readonly lines: DoorLines },
    accept: Accept,
  ) {
    const options = { ...certificate.files, handshakeTimeout: TLS_HANDSHAKE_MS, ...SOCKET_OPTIONS };
    this.server = createServer(options, (socket) => accept(socket, socket.remoteAddress));
    rememberAddresses(this.server);
    this.server.on('tlsClientError', (error, socket) => {
      lines.tlsFailed(this.scheme, handshakeAddress(socket), error);
      socket.destroy();
    });
    this.forget = certificate.changes((files) => this.server.setSecureContext(files));
  }

  start(): Promise<AddressInfo> {
    return listen(this.server, this.endpoint, this.failed);
  }

  close(): void {
    this.forget();
    this.server.close();
  }
}
