import { expect, it } from '@jest/globals';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { connect } from 'node:net';
import { droppedConnectionsTotal } from '../gateway.metrics.js';
import { atEndOfTest } from '../testing/given-gateway.js';
import { givenCertificate } from '../testing/given-certificate.js';
import { startGateway } from '../testing/test-gateway.js';

const TAKEN = 3;
const MORE = 7;

it.each([
  ['mqtt', ''],
  ['mqtts', '\x16\x03\x01'], // the beginning of a TLS handshake
  ['ws', 'GET /mqtt HTTP/1.1\r\n'],
  ['wss', '\x16\x03\x01'],
])('no more sockets of %s are taken than connections, whatever they are at', async (scheme, beginning) => {
  const log = createMemoryLog({ partitions: 2 });
  await log.start();
  const certificate = await givenCertificate();
  const ports = { tlsPort: 0, webSocketPort: 0, secureWebSocketPort: 0 };
  const gateway = await startGateway(log, { ...ports, certificate, maxConnections: TAKEN });
  atEndOfTest(() => gateway.stop());
  const before = await droppedCount();
  const open = Array.from({ length: TAKEN + MORE }, () => {
    const socket = connect(gateway.ports.get(scheme) ?? 0, '127.0.0.1');
    atEndOfTest(() => Promise.resolve(socket.destroy()));
    socket.on('error', () => undefined); // may be reset: `close` follows
    socket.write(beginning, 'latin1');
    return socket;
  });
  let closed = 0;
  await new Promise<void>((resolve) => {
    for (const socket of open) socket.on('close', () => (closed += 1) === MORE && resolve());
  });
  expect([closed, (await droppedCount()) - before]).toEqual([MORE, MORE]);
});

async function droppedCount(): Promise<number> {
  const { values } = await droppedConnectionsTotal.get();
  return values[0]?.value ?? 0;
}
