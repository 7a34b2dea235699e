import { describe, expect, it } from '@jest/globals';
import type { CommitLog } from '@fieldgate/commit-log';
import { createMemoryLog } from '@fieldgate/commit-log/testing';
import type { Packet } from 'mqtt-packet';
import { counts, refusedTotal } from '../gateway.metrics.js';
import { gatewayWith, givenGateway, SECRET } from '../testing/given-gateway.js';
import { PacketClient } from '../testing/packet-client.js';
import { silentAbout, type SilentLog } from '../testing/silent-log.js';
import { recordsOf, register, type TestGateway } from '../testing/test-gateway.js';

// "What becomes of a PUBLISH" in the device guide, row by row, as packets.

const TELEMETRY = 'devices/pump-7/telemetry';
const READING = '{"temperature":71.4}';

function publish(
  more: { topic?: string; payload?: string; qos?: 0 | 1 | 2; messageId?: number } = {},
): Packet {
  const { topic = TELEMETRY, payload = READING, qos = 1, messageId = 1 } = more;
  const message = { cmd: 'publish', topic, payload, qos, dup: false, retain: false } as const;
  return qos === 0 ? message : { ...message, messageId };
}

/** Log, gateway and a log-in of `pump-7`; the log keeps silent about readings. */
async function givenSilence(protocolVersion: 4 | 5, holdMs?: number) {
  const log = createMemoryLog();
  await log.start();
  await register(log, 'pump-7', SECRET);
  const silent: SilentLog = silentAbout(log, 'fieldgate.telemetry.v1');
  const gateway = await gatewayWith(silent, holdMs === undefined ? {} : { holdMs });
  return { log: silent, client: await connected(gateway, protocolVersion) };
}

async function connected(gateway: TestGateway, protocolVersion: 4 | 5): Promise<PacketClient> {
  const client = await PacketClient.open(gateway.port, { protocolVersion });
  expect(await client.next()).toMatchObject({ cmd: 'connack' });
  return client;
}

/** What comes until the connection is closed. */
async function last(client: PacketClient): Promise<readonly Packet[]> {
  const packets: Packet[] = [];
  try {
    for (;;) packets.push(await client.next());
  } catch {
    return packets; // closed
  }
}

const forbidden = async (): Promise<number> => {
  const { values } = await refusedTotal.get();
  return values.find(({ labels }) => labels.code === 'topic-forbidden')?.value ?? 0;
};

describe.each([[5], [4]] as const)('what becomes of a PUBLISH in MQTT version %i', (version) => {
  const isNew = version === 5;

  it('appended: acknowledged', async () => {
    const { log, gateway } = await givenGateway();
    const client = await connected(gateway, version);
    client.send(publish());
    expect(await client.next()).toMatchObject({
      cmd: 'puback',
      messageId: 1,
      ...(isNew ? { reasonCode: 0 } : {}),
    });
    expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(1);
    client.destroy();
  });

  it.each([
    [1, 'puback'],
    [2, 'pubrec'],
  ] as const)(
    'malformed, QoS %i: acknowledged, in MQTT 5 with 0x99 and the reason, and a dead letter',
    async (qos, cmd) => {
      const { log, gateway } = await givenGateway();
      const client = await connected(gateway, version);
      client.send(publish({ payload: '{"temperature":', qos }));
      const answer = await client.next();
      expect(answer).toMatchObject({ cmd, messageId: 1 });
      if (isNew) {
        expect(answer).toMatchObject({ reasonCode: 0x99 });
        expect(answer).toHaveProperty('properties.reasonString', expect.stringMatching(/.+/));
      }
      expect(await recordsOf(log, 'fieldgate.dead-letters.v1')).toHaveLength(1);
      client.destroy();
    },
  );

  it('not its topic: MQTT 5 hears 0x87 and goes on, an older connection is closed; counted, and nothing is kept', async () => {
    const { log, gateway } = await givenGateway();
    const client = await connected(gateway, version);
    const before = await forbidden();
    client.send(publish({ topic: 'devices/pump-8/telemetry' }));
    if (isNew) {
      expect(await client.next()).toMatchObject({ cmd: 'puback', reasonCode: 0x87 });
      client.send(publish({ topic: 'devices/pump-8/telemetry', qos: 2 }));
      expect(await client.next()).toMatchObject({ cmd: 'pubrec', reasonCode: 0x87 });
      client.send(publish());
      expect(await client.next()).toMatchObject({ cmd: 'puback', reasonCode: 0 });
    } else {
      expect(await last(client)).toEqual([]);
    }
    expect(await forbidden()).toBe(before + (isNew ? 2 : 1));
    expect(await recordsOf(log, 'fieldgate.dead-letters.v1')).toHaveLength(0);
    client.destroy();
  });

  it('larger than allowed: closed, in MQTT 5 with 0x95 and the limit', async () => {
    const { gateway } = await givenGateway();
    const client = await connected(gateway, version);
    client.send(publish({ payload: 'x'.repeat(131_072) }));
    const packets = await last(client);
    expect(packets).toHaveLength(isNew ? 1 : 0);
    if (isNew) {
      expect(packets[0]).toMatchObject({ cmd: 'disconnect', reasonCode: 0x95 });
      expect(packets[0]).toHaveProperty('properties.reasonString', expect.stringContaining('131072'));
    }
  });

  it('log slow: nothing is acknowledged, PINGREQ is answered, and then all in order', async () => {
    const { log, client } = await givenSilence(version);
    for (const messageId of [3, 1, 2]) client.send(publish({ messageId }));
    client.send({ cmd: 'pingreq' });
    expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
    log.write();
    for (const messageId of [3, 1, 2])
      expect(await client.next()).toMatchObject({ cmd: 'puback', messageId });
    client.destroy();
  });

  it('log away for longer than the hold: closed without a PUBACK, in MQTT 5 with 0x89', async () => {
    const { client } = await givenSilence(version, 1);
    client.send(publish());
    expect(await last(client)).toMatchObject(isNew ? [{ cmd: 'disconnect', reasonCode: 0x89 }] : []);
  });

  it('QoS 0 while the log is away: dropped and counted, and the connection goes on', async () => {
    const { log, gateway } = await givenGateway();
    const client = await connected(gateway, version);
    const before = counts.droppedQos0;
    log.goAway();
    client.send(publish({ qos: 0 }));
    client.send({ cmd: 'pingreq' });
    expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
    expect(counts.droppedQos0).toBe(before + 1);
    log.comeBack();
    client.send(publish());
    expect(await client.next()).toMatchObject({ cmd: 'puback' });
    expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(1);
    client.destroy();
  });

  it('the gateway itself fails: the connection ends, in MQTT 5 with 0x83, and that of nobody else', async () => {
    const { log } = await givenGateway();
    const writer = Object.create(log.writer) as CommitLog['writer']; // all of it but one method
    writer.append = (record, settle) => {
      if (record.topic === 'fieldgate.telemetry.v1') throw new Error('a mistake of ours');
      return log.writer.append(record, settle);
    };
    await register(log, 'pump-8', SECRET);
    const gateway = await gatewayWith({ ...log, writer, ingest: writer });
    const client = await connected(gateway, version);
    const other = await PacketClient.open(gateway.port, { clientId: 'pump-8', username: 'pump-8' });
    await other.next();
    client.send(publish());
    expect(await last(client)).toMatchObject(isNew ? [{ cmd: 'disconnect', reasonCode: 0x83 }] : []);
    other.send({ cmd: 'pingreq' });
    expect(await other.next()).toMatchObject({ cmd: 'pingresp' });
    other.destroy();
  });
});
