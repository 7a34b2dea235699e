import { expect, it } from '@jest/globals';
import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import type { GatewayConfig } from '../gateway.config.js';
import { generate } from 'mqtt-packet';
import { atEndOfTest, device, SECRET } from '../testing/given-gateway.js';
import { CONNECT } from '../testing/packet-client.js';
import { BAD_FRAME, frameOf, RawWebSocket, textFrameOf, upgrade } from '../testing/raw-web-socket.js';
import { recordsOf, register, startGateway, type TestGateway } from '../testing/test-gateway.js';

async function overWebSocket(options: Partial<GatewayConfig> = {}): Promise<{
  gateway: TestGateway;
  log: MemoryLog;
  readonly open: (...bytes: Buffer[]) => Promise<RawWebSocket>;
}> {
  const log = createMemoryLog({ partitions: 2 });
  await log.start();
  await register(log, 'pump-7', SECRET);
  const gateway = await startGateway(log, { webSocketPort: 0, ...options });
  atEndOfTest(() => gateway.stop());
  const open = async (...bytes: Buffer[]): Promise<RawWebSocket> => {
    const client = await RawWebSocket.open(gateway.ports.get('ws') ?? 0, ...bytes);
    atEndOfTest(() => Promise.resolve(client.destroy()));
    return client;
  };
  return { gateway, log, open };
}

it('who offers no subprotocol is refused before there is a WebSocket, and may send any bytes', async () => {
  const { gateway, open } = await overWebSocket();
  const stranger = await open(upgrade(), BAD_FRAME);
  await stranger.closed;
  expect(stranger.answer).toMatch(/^HTTP\/1\.1 400 [^]*subprotocol/);
  await device(gateway);
});

it('a bad frame behind an upgrade that is one too many harms nobody', async () => {
  const { gateway, open } = await overWebSocket({ maxConnections: 1 });
  const client = await device(gateway);
  await (
    await open(upgrade('mqtt'), BAD_FRAME)
  ).closed;
  await client.publishAsync('devices/pump-7/telemetry', '{"n":1}', { qos: 1 });
});

it('a client that breaks WebSocket and does not close is torn down', async () => {
  const { open } = await overWebSocket();
  await (
    await open(upgrade('mqtt'), BAD_FRAME)
  ).closed;
});

it('nothing of a text frame is taken for MQTT, nor of what follows it', async () => {
  const { log, open } = await overWebSocket();
  const client = await open(upgrade('mqtt'), frameOf(generate(CONNECT)));
  await client.says('\x20\x02\x00\x00'); // CONNACK
  const publishOf = (n: number): Buffer =>
    generate({
      cmd: 'publish',
      topic: 'devices/pump-7/telemetry',
      payload: `{"n":${n}}`,
      qos: 1,
      messageId: n,
      dup: false,
      retain: false,
    });
  client.send(frameOf(publishOf(1)), textFrameOf(publishOf(2)), frameOf(publishOf(3)));
  await client.closed;
  expect(client.answer).toContain('\x03\xebMQTT is binary'); // 1003
  const records = await recordsOf(log, 'fieldgate.telemetry.v1');
  expect(records.map(({ json }) => json['data'])).toEqual([{ readings: { n: 1 } }]);
});
