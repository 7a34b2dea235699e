import { describe, expect, it } from '@jest/globals';
import type { CommitLog } from '@fieldgate/commit-log';
import { atEndOfTest, gatewayWith, givenGateway, SECRET } from '../testing/given-gateway.js';
import { PacketClient } from '../testing/packet-client.js';
import { silentAbout } from '../testing/silent-log.js';
import { recordsOf, register, startGateway } from '../testing/test-gateway.js';

const message = (payload: string, dup = false) =>
  ({
    cmd: 'publish',
    topic: 'devices/pump-7/telemetry',
    payload,
    qos: 2,
    messageId: 1,
    dup,
    retain: false,
  }) as const;

describe('a QoS 2 message', () => {
  it('that comes again before PUBREL is answered again and stored once ([MQTT-4.3.3-10])', async () => {
    const { log, gateway } = await givenGateway();
    const client = await PacketClient.open(gateway.port);
    expect(await client.next()).toMatchObject({ cmd: 'connack', returnCode: 0 });
    client.send(message('{"a":1}'));
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 1 });
    client.send(message('{"a":1}', true));
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 1 });
    client.send({ cmd: 'pubrel', messageId: 1 });
    expect(await client.next()).toMatchObject({ cmd: 'pubcomp', messageId: 1 });
    expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(1);
    client.destroy();
  });

  it('with the packet id of an earlier one is a new one after PUBREL', async () => {
    const { log, gateway } = await givenGateway();
    const client = await PacketClient.open(gateway.port);
    await client.next();
    for (const payload of ['{"a":1}', '{"a":2}']) {
      client.send(message(payload));
      expect(await client.next()).toMatchObject({ cmd: 'pubrec' });
      client.send({ cmd: 'pubrel', messageId: 1 });
      expect(await client.next()).toMatchObject({ cmd: 'pubcomp' });
    }
    expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(2);
    client.destroy();
  });

  it('is a new one when the session of the earlier one is no more', async () => {
    const { log, gateway } = await givenGateway();
    const noSession = { protocolVersion: 5 as const, clean: false }; // without an expiry it ends with its connection
    const first = await PacketClient.open(gateway.port, noSession);
    expect(await first.next()).toMatchObject({ cmd: 'connack' });
    first.send(message('{"a":1}'));
    expect(await first.next()).toMatchObject({ cmd: 'pubrec' });
    const second = await PacketClient.open(gateway.port, noSession); // the first one never says goodbye
    expect(await second.next()).toMatchObject({ cmd: 'connack', sessionPresent: false });
    second.send(message('{"a":2}'));
    expect(await second.next()).toMatchObject({ cmd: 'pubrec' });
    expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(2);
    first.destroy();
    second.destroy();
  });

  it('that comes again on the next connection of its session is stored once', async () => {
    const { log, gateway } = await givenGateway();
    const first = await PacketClient.open(gateway.port, { clean: false });
    await first.next();
    first.send(message('{"a":1}'));
    expect(await first.next()).toMatchObject({ cmd: 'pubrec' });
    const second = await PacketClient.open(gateway.port, { clean: false });
    expect(await second.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
    second.send(message('{"a":1}', true));
    expect(await second.next()).toMatchObject({ cmd: 'pubrec', messageId: 1 });
    expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(1);
    second.destroy();
  });

  it('that comes again while the log still takes it is stored once', async () => {
    const { log } = await givenGateway();
    const slow = silentAbout(log, 'fieldgate.telemetry.v1');
    const gateway = await gatewayWith(slow);
    const first = await PacketClient.open(gateway.port, { clean: false });
    await first.next();
    first.send(message('{"a":1}'));
    first.send({ cmd: 'pingreq' });
    expect(await first.next()).toMatchObject({ cmd: 'pingresp' });
    const second = await PacketClient.open(gateway.port, { clean: false });
    expect(await second.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
    second.send(message('{"a":1}', true));
    second.send({ cmd: 'pingreq' });
    expect(await second.next()).toMatchObject({ cmd: 'pingresp' });
    slow.write();
    expect(await second.next()).toMatchObject({ cmd: 'pubrec', messageId: 1 });
    expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(1);
    second.destroy();
  });

  it('is a new one when another gateway has released the packet id meanwhile', async () => {
    const { log, gateway } = await givenGateway();
    const other = await gatewayWith(log, { gatewayId: 'gw-2' });
    const first = await PacketClient.open(gateway.port, { clean: false });
    await first.next();
    first.send(message('{"a":1}'));
    expect(await first.next()).toMatchObject({ cmd: 'pubrec' });
    const elsewhere = await PacketClient.open(other.port, { clean: false });
    expect(await elsewhere.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
    await first.closed;
    elsewhere.send({ cmd: 'pubrel', messageId: 1 });
    expect(await elsewhere.next()).toMatchObject({ cmd: 'pubcomp' });
    const back = await PacketClient.open(gateway.port, { clean: false });
    expect(await back.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
    back.send(message('{"a":2}'));
    expect(await back.next()).toMatchObject({ cmd: 'pubrec' });
    expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(2);
    back.destroy();
  });

  it('is not released at another gateway before the log knows of the connection there', async () => {
    const { log, gateway } = await givenGateway();
    await register(log, 'pump-8', SECRET);
    const slow = silentAbout(log, 'fieldgate.sessions.v1');
    const other = await gatewayWith(slow, { gatewayId: 'gw-2' });
    const first = await PacketClient.open(gateway.port, { clean: false });
    await first.next();
    first.send(message('{"a":1}'));
    expect(await first.next()).toMatchObject({ cmd: 'pubrec' });
    const elsewhere = await PacketClient.open(other.port, { clean: false });
    expect(await elsewhere.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
    elsewhere.send({ cmd: 'pubrel', messageId: 1 });
    const released = elsewhere.next();
    const neighbour = await PacketClient.open(other.port, { clientId: 'pump-8', username: 'pump-8' });
    expect(await neighbour.next()).toMatchObject({ cmd: 'connack' }); // the PUBREL had its turn
    expect(await Promise.race([released, Promise.resolve('nothing')])).toBe('nothing');
    slow.write();
    expect(await released).toMatchObject({ cmd: 'pubcomp', messageId: 1 });
    elsewhere.destroy();
    neighbour.destroy();
  });

  it('is a new one when the log is too slow to say whether the device has been elsewhere', async () => {
    const { log } = await givenGateway();
    let isSlow = false;
    const reader = Object.create(log.reader) as CommitLog['reader']; // all of it but one method
    reader.bounds = (topic) =>
      isSlow && topic === 'fieldgate.sessions.v1' ? new Promise(() => undefined) : log.reader.bounds(topic);
    const gateway = await startGateway({ ...log, reader });
    atEndOfTest(() => gateway.stop());
    const first = await PacketClient.open(gateway.port, { clean: false });
    await first.next();
    first.send(message('{"a":1}'));
    expect(await first.next()).toMatchObject({ cmd: 'pubrec' });
    isSlow = true;
    const second = await PacketClient.open(gateway.port, { clean: false });
    expect(await second.next()).toMatchObject({ cmd: 'connack', sessionPresent: true });
    second.send(message('{"a":2}'));
    expect(await second.next()).toMatchObject({ cmd: 'pubrec' });
    expect(await recordsOf(log, 'fieldgate.telemetry.v1')).toHaveLength(2);
    second.destroy();
  });
});
