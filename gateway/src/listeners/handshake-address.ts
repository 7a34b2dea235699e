import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** To be called before the server listens: a socket that is gone by the time its handshake fails knows its address only if it was asked before. */
export function rememberAddresses(server: Server): void {
  server.on('connection', ({ remoteAddress }: Socket) => remoteAddress);
}

/** Of a socket whose handshake has failed; `node:tls` has no public word for the one that it was made of. */
export function handshakeAddress(socket: TLSSocket): string | undefined {
  const { _parent: below } = socket as { _parent?: Partial<Socket> }; // private: asked for, and done without
  return socket.remoteAddress ?? below?.remoteAddress;
}
