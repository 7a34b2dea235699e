import { connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { createWebSocketStream, WebSocket } from 'ws';

/** As the gateway names its ports. */
export type Transport = 'mqtt' | 'mqtts' | 'ws';

const HOST = '127.0.0.1';

/** To a port of this machine; what is written before it is open waits. The certificate is one of the bench, and nobody's. */
export function openStream(transport: Transport, port: number, localAddress?: string): Duplex {
  const to = { port, host: HOST, noDelay: true, ...(localAddress === undefined ? {} : { localAddress }) };
  switch (transport) {
    case 'mqtt':
      return connectTcp(to);
    case 'mqtts':
      return connectTls({ ...to, rejectUnauthorized: false });
    case 'ws': {
      const from = localAddress === undefined ? {} : { localAddress };
      return createWebSocketStream(
        new WebSocket(`ws://${HOST}:${port}/mqtt`, ['mqtt'], { ...from, perMessageDeflate: false }),
      );
    }
  }
}
