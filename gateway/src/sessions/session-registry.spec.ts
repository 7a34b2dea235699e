import { describe, expect, it } from '@jest/globals';
import { appended, type CommitLog } from '@fieldgate/commit-log';
import type { MemoryLog } from '@fieldgate/commit-log/testing';
import { encodeTableRow, sessionRecordSchema, type SessionRecord } from '@fieldgate/contracts';
import { connect } from 'mqtt';
import {
  atEndOfTest,
  device,
  gatewayWith,
  givenGateway,
  happens,
  optionsOf,
  SECRET,
  V5,
} from '../testing/given-gateway.js';
import { PacketClient } from '../testing/packet-client.js';
import { recordsOf, register, startGateway, type TestGateway } from '../testing/test-gateway.js';

const KEPT = { ...V5, clean: false, properties: { sessionExpiryInterval: 3600 } };

async function sessionRecords(log: CommitLog): Promise<SessionRecord[]> {
  const records = await recordsOf(log, 'fieldgate.sessions.v1');
  return records.map(({ json }) => sessionRecordSchema.parse(json['data']));
}

/** Resolves when the session records are as wanted. */
function sessionsBecome(
  log: CommitLog,
  wanted: (records: readonly SessionRecord[]) => boolean,
): Promise<void> {
  return new Promise((resolve, reject) => {
    void log.reader.follow(
      'fieldgate.sessions.v1',
      'earliest',
      () => void sessionRecords(log).then((records) => wanted(records) && resolve(), reject),
      { failed: reject },
    );
  });
}

async function eventsOf(log: CommitLog): Promise<string[]> {
  return (await recordsOf(log, 'fieldgate.events.v1')).map(
    ({ json }) => (json['data'] as { event: string }).event,
  );
}

async function sessionPresent(gateway: TestGateway): Promise<boolean> {
  const client = connect(optionsOf(gateway, KEPT));
  atEndOfTest(() => client.endAsync(true));
  const [connack] = (await happens(client, 'connect')) as [{ sessionPresent: boolean }]; // what mqtt emits
  return connack.sessionPresent;
}

/** A gateway whose handshakes stay where they ask for the newest sessions, until they are let go. */
async function gatewayThatHolds(
  log: MemoryLog,
): Promise<{ gateway: TestGateway; asked: Promise<void>; letGo: () => void }> {
  let asked: () => void = () => undefined;
  let letGo: () => void = () => undefined;
  let holding = false;
  const isAsked = new Promise<void>((resolve) => (asked = resolve));
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  const reader = Object.create(log.reader) as CommitLog['reader']; // all of it but one method
  reader.bounds = async (topic) => {
    if (topic === 'fieldgate.sessions.v1' && holding) {
      asked();
      await gate;
    }
    return log.reader.bounds(topic);
  };
  const gateway = await startGateway({ ...log, reader });
  atEndOfTest(() => gateway.stop());
  holding = true;
  return { gateway, asked: isAsked, letGo };
}

describe('the session of a device', () => {
  it('lets a later connection of the same device take over', async () => {
    const { gateway } = await givenGateway();
    const first = await device(gateway);
    const closed = happens(first, 'close');
    const second = await device(gateway);
    await closed;
    await second.publishAsync('devices/pump-7/telemetry', '{"a":1}', { qos: 1 });
  });

  it('lets a connection at another gateway take over', async () => {
    const { log, gateway } = await givenGateway();
    const first = await device(gateway);
    const other = await gatewayWith(log, { gatewayId: 'gw-2' });
    const closed = happens(first, 'close');
    const second = await device(other);
    await closed;
    await second.publishAsync('devices/pump-7/telemetry', '{"a":1}', { qos: 1 });
  });

  it('ends the connection of a device that gets another secret or is deleted', async () => {
    const { log, gateway } = await givenGateway();
    const first = await device(gateway);
    const closed = happens(first, 'close');
    await register(log, 'pump-7', SECRET, 2);
    await closed;
    const second = await device(gateway);
    const gone = happens(second, 'close');
    await appended(log.writer, { topic: 'fieldgate.devices.v1', key: 'pump-7', value: null });
    await gone;
  });

  it('is left to the gateway that took it over', async () => {
    const { log, gateway } = await givenGateway();
    const first = await device(gateway, KEPT);
    await first.subscribeAsync('devices/pump-7/commands/#', { qos: 1 });
    const other = await gatewayWith(log, { gatewayId: 'gw-2' });
    const closed = happens(first, 'close');
    const second = await device(other, KEPT);
    await closed;
    await second.publishAsync('devices/pump-7/telemetry', '{"a":1}', { qos: 1 });
    await gateway.stop();
    const records = await sessionRecords(log);
    expect(records.map((record) => [record.gateway, record.connected])).toEqual([
      ['gw-1', true],
      ['gw-1', true],
      ['gw-2', true],
    ]);
    expect(await eventsOf(log)).toEqual(['connected', 'connected', 'disconnected']);
  });

  it('is not inherited by a device that is registered anew', async () => {
    const { log, gateway } = await givenGateway();
    const first = await device(gateway, KEPT);
    const gone = happens(first, 'close');
    await appended(log.writer, { topic: 'fieldgate.devices.v1', key: 'pump-7', value: null });
    await gone;
    await register(log, 'pump-7', SECRET, 1, 'another-creation');
    expect(await sessionPresent(gateway)).toBe(false);
  });

  it('is restored, and the history too, when it was declared lost while it lives', async () => {
    const { log, gateway } = await givenGateway();
    await device(gateway, KEPT);
    await sessionsBecome(log, (records) => records.length === 1);
    const [record] = await sessionRecords(log);
    const lost = { ...record, connected: false, disconnectedAt: 1, reason: 'gateway-lost' };
    const value = encodeTableRow('fieldgate.sessions.v1', { key: 'pump-7', id: 'lost', atMs: 1, data: lost });
    await appended(log.writer, { topic: 'fieldgate.sessions.v1', key: 'pump-7', value });
    await sessionsBecome(log, (records) => records.length === 3);
    expect((await sessionRecords(log)).at(-1)).toMatchObject({
      connected: true,
      connection: record?.connection,
    });
    expect(await eventsOf(log)).toEqual(['connected', 'connected']);
  });

  it('ends with the run of its gateway that was killed, as soon as the next one starts, and can be resumed', async () => {
    const { log, gateway } = await givenGateway();
    const client = await device(gateway, KEPT);
    await client.subscribeAsync('devices/pump-7/commands/#', { qos: 1 });
    const afterKill = log.restarted(); // the first gateway goes on, but nobody hears of it
    await afterKill.start();
    const second = await gatewayWith(afterKill);
    expect((await sessionRecords(afterKill)).at(-1)).toMatchObject({
      connected: false,
      reason: 'gateway-restarted',
    });
    expect(await sessionPresent(second)).toBe(true);
  });

  it('says why it ended', async () => {
    const { log, gateway } = await givenGateway();
    const polite = await device(gateway);
    await polite.endAsync();
    const cut = await device(gateway);
    const lost = happens(cut, 'close');
    cut.stream.destroy();
    await lost;
    const taken = await device(gateway);
    const over = happens(taken, 'close');
    await device(gateway);
    await over;
    await gateway.stop();
    const ended = (await sessionRecords(log)).filter((record) => !record.connected);
    expect(ended.map(({ reason }) => reason)).toEqual([
      'client-disconnected',
      'connection-lost',
      'taken-over',
      'gateway-stopping',
    ]);
  });

  it('ends when its subscriptions cannot be recorded, and a later SUBSCRIBE is', async () => {
    const { log, gateway } = await givenGateway();
    const client = await device(gateway);
    await sessionsBecome(log, (records) => records.length === 1);
    const closed = happens(client, 'close');
    log.goAway();
    client.subscribe('devices/pump-7/commands/#', { qos: 1 });
    await closed;
    log.comeBack();
    const again = await device(gateway);
    await again.subscribeAsync('devices/pump-7/commands/#', { qos: 1 });
    await sessionsBecome(log, (records) => records.at(-1)?.subscriptions.length === 1);
  });

  it('cannot be marked as kept by a SUBSCRIBE', async () => {
    const { gateway } = await givenGateway();
    const client = await device(gateway);
    await expect(client.subscribeAsync('$fieldgate/session', { qos: 1 })).rejects.toThrow();
  });

  it('does not suffer from a second connection that is reset during its handshake', async () => {
    const { log } = await givenGateway();
    const { gateway, asked, letGo } = await gatewayThatHolds(log);
    const living = await device(gateway);
    const broken = await PacketClient.open(gateway.port, { clean: false });
    await asked;
    broken.destroy();
    await broken.closed;
    await living.publishAsync('devices/pump-7/telemetry', '{"a":1}', { qos: 1 }); // answered: the gateway has seen the end of the other one
    letGo();
    await living.subscribeAsync('devices/pump-7/commands/#', { qos: 1 });
    await sessionsBecome(log, (records) => records.at(-1)?.subscriptions.length === 1);
    await living.endAsync();
    await sessionsBecome(log, (records) => records.at(-1)?.connected === false);
  });

  it('is not begun for a device that was deleted during its handshake', async () => {
    const { log } = await givenGateway();
    const { gateway, asked, letGo } = await gatewayThatHolds(log);
    const client = await PacketClient.open(gateway.port, { clean: false });
    await asked;
    await appended(log.writer, { topic: 'fieldgate.devices.v1', key: 'pump-7', value: null });
    letGo();
    await client.closed;
  });
});
