import { expect, it } from '@jest/globals';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import type { IPublishPacket } from 'mqtt-packet';
import { counts } from './gateway.metrics.js';
import { gatewayWith, givenGateway, SECRET } from './testing/given-gateway.js';
import { logHolds } from './testing/log-holds.js';
import { PacketClient } from './testing/packet-client.js';
import { silentAbout } from './testing/silent-log.js';
import { register } from './testing/test-gateway.js';

const FIVE = { protocolVersion: 5 } as const;

function reading(messageId: number, payload = '{"n":1}'): IPublishPacket {
  const topic = 'devices/pump-7/telemetry';
  return { cmd: 'publish', topic, payload, qos: 1, messageId, dup: false, retain: false };
}

it('a message is counted as a record when the log has it, and a resend to a log that is away is not', async () => {
  const { log, gateway } = await givenGateway();
  const before = counts.records;
  log.goAway();
  for (const payload of ['{"n":1}', 'no JSON']) {
    const client = await PacketClient.open(gateway.port, FIVE);
    await client.next();
    client.send(reading(1, payload));
    await client.closed;
  }
  expect(counts.records).toBe(before);
  log.comeBack();
  const client = await PacketClient.open(gateway.port, FIVE);
  await client.next();
  for (const [at, payload] of ['{"n":1}', 'no JSON', '[{"n":1},{"n":2}]'].entries()) {
    client.send(reading(at + 1, payload));
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: at + 1 });
  }
  expect(counts.records).toBe(before + 4);
  client.destroy();
});

it('a message is counted as answered when there is somebody to answer', async () => {
  const memory = createMemoryLog();
  await memory.start();
  await register(memory, 'pump-7', SECRET);
  const log = silentAbout(memory, 'fieldgate.telemetry.v1');
  const gateway = await gatewayWith(log);
  const before = { acknowledged: counts.acknowledged, records: counts.records };
  const gone = await PacketClient.open(gateway.port, FIVE);
  await gone.next();
  gone.send(reading(1));
  gone.send({ cmd: 'pingreq' });
  expect(await gone.next()).toMatchObject({ cmd: 'pingresp' });
  gone.destroy();
  await logHolds(log, 'fieldgate.events.v1', '"disconnected"');
  log.write();
  const client = await PacketClient.open(gateway.port, FIVE);
  await client.next();
  client.send(reading(1));
  client.send({ cmd: 'pingreq' });
  expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
  log.write();
  expect(await client.next()).toMatchObject({ cmd: 'puback' });
  expect(counts).toMatchObject({ acknowledged: before.acknowledged + 1, records: before.records + 2 });
  client.destroy();
});
