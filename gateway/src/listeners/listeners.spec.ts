import { expect, it } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { createLogger } from '@fieldgate/service';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { connectAsync, type IClientOptions } from 'mqtt';
import { WebSocket } from 'ws';
import { commonName } from '../testing/common-name.js';
import { givenCertificate } from '../testing/given-certificate.js';
import { atEndOfTest, SECRET, V3, V5 } from '../testing/given-gateway.js';
import { recordsOf, register, startGateway, type TestGateway } from '../testing/test-gateway.js';
import { Certificate } from './certificate.js';

const SCHEMES = ['mqtt', 'mqtts', 'ws', 'wss'] as const;

async function everywhere(): Promise<{ gateway: TestGateway; log: ReturnType<typeof createMemoryLog> }> {
  const log = createMemoryLog({ partitions: 2 });
  await log.start();
  await register(log, 'pump-7', SECRET);
  const { certFile, keyFile } = await givenCertificate();
  const ports = { tlsPort: 0, webSocketPort: 0, secureWebSocketPort: 0 };
  const gateway = await startGateway(log, { ...ports, certificate: { certFile, keyFile } });
  atEndOfTest(() => gateway.stop());
  return { gateway, log };
}

function portOf(gateway: TestGateway, scheme: string): number {
  return gateway.ports.get(scheme) ?? 0;
}

it.each([
  ['MQTT 5', V5],
  ['MQTT 3.1.1', V3],
])('a device that speaks %s comes in over TCP, TLS and WebSocket', async (_name, version: IClientOptions) => {
  const { gateway, log } = await everywhere();
  for (const scheme of SCHEMES) {
    const client = await connectAsync(`${scheme}://127.0.0.1:${portOf(gateway, scheme)}/mqtt`, {
      ...version,
      clientId: 'pump-7',
      username: 'pump-7',
      password: SECRET,
      rejectUnauthorized: false,
      reconnectPeriod: 0,
    });
    await client.publishAsync('devices/pump-7/telemetry', JSON.stringify({ over: scheme }), { qos: 1 });
    await client.endAsync();
  }
  const records = await recordsOf(log, 'fieldgate.telemetry.v1');
  expect(records.map(({ json }) => json['data'])).toEqual(SCHEMES.map((over) => ({ readings: { over } })));
});

it('who speaks no TLS to the TLS port is closed, and the others notice nothing', async () => {
  const { gateway } = await everywhere();
  const scanner = connectTcp(portOf(gateway, 'mqtts'), '127.0.0.1');
  scanner.on('error', () => undefined); // may be reset
  scanner.write('GET / HTTP/1.1\r\n\r\n');
  await once(scanner, 'close');
  expect(await commonName(portOf(gateway, 'mqtts'))).toBe('first.example');
});

it('over WebSocket another subprotocol is refused before there is a WebSocket', async () => {
  const { gateway } = await everywhere();
  const socket = new WebSocket(`ws://127.0.0.1:${portOf(gateway, 'ws')}/`, ['chat']);
  const [error] = (await once(socket, 'error')) as [Error]; // what ws emits
  expect(error.message).toBe('Unexpected server response: 400');
});

it('a browser that opens the WebSocket port is told what it is', async () => {
  const { gateway } = await everywhere();
  const answer = await fetch(`http://127.0.0.1:${portOf(gateway, 'ws')}/`);
  expect([answer.status, answer.headers.get('upgrade')]).toEqual([426, 'websocket']);
});

it('a renewed certificate is seen by new connections; one that does not fit its key is not, and the old one stays', async () => {
  const files = await givenCertificate();
  const certificate = new Certificate(files, createLogger({ level: 'silent' }));
  const seen: string[] = [];
  certificate.changes(({ cert }) => seen.push(cert.toString()));
  certificate.look();
  expect(seen).toEqual([]);
  await files.renew('second.example');
  certificate.look();
  expect(seen).toHaveLength(1);
  expect(certificate.files.cert.toString()).toBe(seen[0]);
  writeFileSync(files.keyFile, 'no key');
  certificate.look();
  expect(certificate.files.cert.toString()).toBe(seen[0]);
  await files.renew('third.example');
  certificate.look();
  expect(seen).toHaveLength(2);
});

it('a secure port without a certificate that can be used does not start, and names the variables', async () => {
  const { certFile, keyFile } = await givenCertificate();
  writeFileSync(keyFile, 'no key');
  const logger = createLogger({ level: 'silent' });
  expect(() => new Certificate({ certFile, keyFile }, logger)).toThrow(/^FIELDGATE_MQTT_TLS_CERT_FILE and /);
  expect(() => new Certificate({ certFile: join(certFile, 'none'), keyFile }, logger)).toThrow(
    /ENOTDIR|ENOENT/,
  );
});
