import { createMemoryLog, type MemoryLog } from '@fieldgate/commit-log/testing';
import { beforeEach, expect, it } from '@jest/globals';
import { counts } from '../gateway.metrics.js';
import { atEndOfTest, SECRET } from '../testing/given-gateway.js';
import { givenLogLines, type GivenLogLines } from '../testing/given-log-lines.js';
import { PacketClient } from '../testing/packet-client.js';
import { register, startGateway, type TestGateway } from '../testing/test-gateway.js';

const NOW = Date.parse('2026-11-20T21:30:00.000Z');
const IN_2200 = Date.parse('2200-01-01T00:00:00.000Z');
const TELEMETRY = 'devices/pump-7/telemetry';

let log: MemoryLog;
let lines: GivenLogLines;
let gateway: TestGateway;
const monotonic = { ms: 0, now: (): number => monotonic.ms };

beforeEach(async () => {
  log = createMemoryLog();
  await log.start();
  await register(log, 'pump-7', SECRET);
  lines = givenLogLines();
  gateway = await startGateway(log, {}, { clock: { now: () => NOW }, monotonic, logger: lines.logger });
  atEndOfTest(() => gateway.stop());
});

async function device(): Promise<PacketClient> {
  const client = await PacketClient.open(gateway.port, { protocolVersion: 5 });
  atEndOfTest(async () => client.destroy());
  expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
  return client;
}

async function publish(client: PacketClient, payload: string, topic = TELEMETRY): Promise<void> {
  client.send({ cmd: 'publish', topic, payload, qos: 1, messageId: 1, dup: false, retain: false });
  expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1 });
}

function said(): unknown[] {
  return lines.all.filter(({ msg }) => msg === 'clock of a device not believed');
}

it.each([
  ['plain telemetry', TELEMETRY, `{"ts":${IN_2200},"readings":{"n":1}}`, 1],
  ['telemetry of another form', TELEMETRY, `{"ts":0,"readings":{"motor":{"rpm":1}}}`, 1],
  [
    'elements of an array',
    TELEMETRY,
    `[{"ts":0,"readings":{"n":1}},{"readings":{"n":1}},{"ts":1,"readings":{"n":1}}]`,
    2,
  ],
  ['an event', 'devices/pump-7/events/hot', `{"state":"raised","ts":0}`, 1],
])('counts what has a ts that is not believed: %s', async (_, topic, payload, doubted) => {
  const before = counts.doubtedTimes;
  const client = await device();
  await publish(client, payload, topic);
  await publish(client, `{"ts":${NOW - 1_000},"readings":{"n":1}}`);
  await publish(client, `{"n":1}`);
  expect(counts.doubtedTimes - before).toBe(doubted);
  expect(said()).toHaveLength(1);
});

it('says so once for a connection, and once a minute for a device that connects again and again', async () => {
  for (let connection = 0; connection < 3; connection += 1) {
    const client = await device();
    for (let n = 0; n < 3; n += 1) await publish(client, `{"ts":${IN_2200},"readings":{"n":1}}`);
    client.destroy();
  }
  expect(said()).toMatchObject([{ deviceId: 'pump-7', ts: IN_2200, level: 30 }]);
  monotonic.ms += 60_000;
  const client = await device();
  await publish(client, `{"ts":${IN_2200},"readings":{"n":1}}`);
  expect(said()).toMatchObject([{}, { leftOut: 2 }]);
});
