import { expect, it } from '@jest/globals';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { connectionErrorsTotal, tlsErrorsTotal } from '../gateway.metrics.js';
import { givenCertificate } from '../testing/given-certificate.js';
import { atEndOfTest } from '../testing/given-gateway.js';
import { givenLogLines } from '../testing/given-log-lines.js';
import { BAD_FRAME, frameOf, RawWebSocket, textFrameOf, upgrade } from '../testing/raw-web-socket.js';
import { startGateway } from '../testing/test-gateway.js';
import { Certificate } from './certificate.js';
import { tlsFailure } from './tls-failure.js';

/** The alert of a client whose check of the certificate has failed (RFC 8446, 6.2). */
const UNKNOWN_CA = Buffer.from('15030300020230', 'hex');

async function givenDoors() {
  const log = createMemoryLog();
  await log.start();
  const lines = givenLogLines();
  const ports = { tlsPort: 0, webSocketPort: 0, secureWebSocketPort: 0 };
  const certificate = await givenCertificate();
  const gateway = await startGateway(log, { ...ports, certificate }, { logger: lines.logger });
  atEndOfTest(() => gateway.stop());
  return { lines, port: (scheme: string) => gateway.ports.get(scheme) ?? 0 };
}

async function valueOf(metric: typeof connectionErrorsTotal | typeof tlsErrorsTotal, kind?: string) {
  const { values } = await metric.get();
  return values.find(({ labels }) => kind === undefined || labels['kind'] === kind)?.value ?? 0;
}

it.each(['mqtts', 'wss'])('who speaks no TLS to the port of %s is logged and counted', async (scheme) => {
  const { lines, port } = await givenDoors();
  const before = await valueOf(tlsErrorsTotal, 'not-tls');
  const socket = connectTcp(port(scheme), '127.0.0.1');
  socket.on('error', () => undefined); // may be reset
  atEndOfTest(() => Promise.resolve(socket.destroy()));
  socket.write(Buffer.from('100c00044d5154540402003c0000', 'hex')); // CONNECT
  expect(await lines.said('tls handshake failed')).toMatchObject({
    level: 40,
    scheme,
    remoteAddress: '127.0.0.1',
    reason: expect.stringContaining('not TLS'),
  });
  expect(await valueOf(tlsErrorsTotal, 'not-tls')).toBe(before + 1);
});

it('a device that does not trust the certificate is logged and counted, and a storm of them makes one line', async () => {
  const { lines, port } = await givenDoors();
  const before = await valueOf(tlsErrorsTotal, 'not-trusted');
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const raw = connectTcp(port('mqtts'), '127.0.0.1');
    raw.on('error', () => undefined); // may be reset
    const handshake = new Duplex({
      read: () => undefined,
      write: (chunk, _encoding, done) => void raw.write(chunk as Buffer, () => done()), // no strings come here
    });
    connectTls({ socket: handshake, maxVersion: 'TLSv1.2' }).on('error', () => undefined); // only its first words count
    raw.once('data', () => raw.write(UNKNOWN_CA));
    await once(raw.resume(), 'close');
    handshake.destroy();
  }
  expect(await lines.said('tls handshake failed')).toMatchObject({
    level: 40,
    remoteAddress: '127.0.0.1',
    reason: expect.stringContaining('does not trust the certificate'),
  });
  expect(lines.all.filter(({ msg }) => msg === 'tls handshake failed')).toHaveLength(1);
  expect(await valueOf(tlsErrorsTotal, 'not-trusted')).toBe(before + 3);
});

it.each(['mqtts', 'wss'])(
  'who ends the handshake at the port of %s without a word is logged with its address, as of less weight',
  async (scheme) => {
    const { lines, port } = await givenDoors();
    const before = await valueOf(tlsErrorsTotal, 'ended');
    const socket = connectTcp(port(scheme), '127.0.0.1', () => socket.end());
    await once(socket.resume(), 'close');
    const line = await lines.said('tls handshake failed');
    expect(line).toMatchObject({ level: 30, scheme, remoteAddress: '127.0.0.1' });
    expect(await valueOf(tlsErrorsTotal, 'ended')).toBe(before + 1);
  },
);

it.each([
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'not-tls'],
  ['ERR_SSL_HTTP_REQUEST', 'not-tls'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'not-trusted'],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'not-trusted'],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'not-trusted'],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'version'],
  ['ERR_SSL_NO_SHARED_CIPHER', 'version'],
  ['ERR_TLS_HANDSHAKE_TIMEOUT', 'timeout'],
  ['ECONNRESET', 'ended'],
  ['ERR_SSL_SOMETHING_NEW', 'other'],
])('the handshake that ends with %s is counted as %s', (code, kind) => {
  expect(tlsFailure(Object.assign(new Error('of OpenSSL'), { code }))).toMatchObject({ kind });
});

it.each([
  ['speaks MQTT without', [Buffer.from('100c00044d5154540402003c0000', 'hex')], 'what came is not HTTP'],
  ['offers no subprotocol', [upgrade()], 'the subprotocol is not mqtt'],
  ['offers another subprotocol', [upgrade('chat')], 'the subprotocol is not mqtt'],
  ['sends text', [upgrade('mqtt'), textFrameOf(Buffer.from('CONNECT'))], 'a text frame'],
  ['breaks RFC 6455', [upgrade('mqtt'), BAD_FRAME], 'Invalid WebSocket frame'],
  ['sends a frame too large', [upgrade('mqtt'), frameOf(Buffer.alloc(1), 1e6)], 'Max payload size exceeded'],
])('who %s over WebSocket is logged and counted', async (_, bytes, reason) => {
  const { lines, port } = await givenDoors();
  const before = await valueOf(connectionErrorsTotal);
  const client = await RawWebSocket.open(port('ws'), ...bytes);
  atEndOfTest(() => Promise.resolve(client.destroy()));
  expect(await lines.said('websocket refused')).toMatchObject({
    level: 40,
    scheme: 'ws',
    remoteAddress: '127.0.0.1',
    reason: expect.stringContaining(reason),
  });
  await client.closed;
  expect(await valueOf(connectionErrorsTotal)).toBe(before + 1);
});

it.each([
  ['certFile', 'no certificate'],
  ['keyFile', 'no key'],
] as const)(
  'a new pair whose %s cannot be used is refused with the name of that file',
  async (which, text) => {
    const files = await givenCertificate();
    const lines = givenLogLines();
    const certificate = new Certificate(files, lines.logger);
    writeFileSync(files[which], text);
    certificate.look();
    const { reason } = await lines.said('new certificate not usable, the old one stays');
    expect(reason).toContain(`${files[which]}: `);
  },
);

it('a new key that does not belong to the certificate is refused with the names of both', async () => {
  const files = await givenCertificate();
  const lines = givenLogLines();
  const certificate = new Certificate(files, lines.logger);
  const other = await givenCertificate();
  copyFileSync(other.keyFile, files.keyFile);
  certificate.look();
  const { reason } = await lines.said('new certificate not usable, the old one stays');
  expect(reason).toContain(`${files.keyFile} does not belong to ${files.certFile}`);
});
