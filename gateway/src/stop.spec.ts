import { expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import { generate, type IPublishPacket } from 'mqtt-packet';
import { givenCertificate } from './testing/given-certificate.js';
import { atEndOfTest, SECRET } from './testing/given-gateway.js';
import { CONNECT, PacketClient } from './testing/packet-client.js';
import { silentAbout } from './testing/silent-log.js';
import { recordsOf, register, startGateway } from './testing/test-gateway.js';

/** A device that has sent a reading, and a gateway that stops and waits for the log to take it. */
async function givenStop() {
  const memory = createMemoryLog();
  await memory.start();
  await register(memory, 'pump-7', SECRET);
  const log = silentAbout(memory, 'fieldgate.telemetry.v1');
  const gateway = await startGateway(log, { tlsPort: 0, certificate: await givenCertificate() });
  atEndOfTest(() => gateway.stop());
  const handshaking = createConnection(gateway.ports.get('mqtts') ?? 0, '127.0.0.1');
  atEndOfTest(async () => handshaking.destroy()); // nobody else does before the handshake has taken too long
  await once(handshaking, 'connect');
  const client = await PacketClient.open(gateway.port, { protocolVersion: 5 });
  await client.next();
  client.send(reading(1));
  client.send({ cmd: 'pingreq' });
  expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
  const stopped = gateway.stop();
  while (await isListening(gateway.port));
  return { log, client, handshaking, port: gateway.port, stopped };
}

function reading(messageId: number): IPublishPacket {
  const payload = `{"n":${messageId}}`;
  const topic = 'devices/pump-7/telemetry';
  return { cmd: 'publish', topic, payload, qos: 1, messageId, dup: false, retain: false };
}

async function isListening(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1').resume();
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false; // refused
  } finally {
    socket.destroy();
  }
}

it('what came before the stop is answered before the goodbye; what comes later is not taken', async () => {
  const { log, client, port, stopped } = await givenStop();
  client.send(reading(2));
  while (await isListening(port)); // it is there by now
  log.write();
  expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
  expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8b });
  await stopped;
  const records = await recordsOf(log, 'fieldgate.telemetry.v1');
  expect(records.map(({ json }) => json['data'])).toEqual([{ readings: { n: 1 } }]);
});

it('who ends a handshake of TLS after the stop has begun is closed without an answer', async () => {
  const { log, handshaking, stopped } = await givenStop();
  const late = connectTls({ socket: handshaking, rejectUnauthorized: false });
  late.on('error', () => undefined); // may be reset
  let heard = 0;
  late.on('data', (chunk: Buffer) => (heard += chunk.length));
  late.write(generate(CONNECT));
  await once(late, 'close');
  expect(heard).toBe(0);
  log.write();
  await stopped;
});
