import { FieldgateError, mintedNumber, mintedSequence } from '@fieldgate/contracts';
import { expect, it } from '@jest/globals';
import type { CommitLog, LogWriter } from '@fieldgate/commit-log';
import type { IClientOptions, MqttClient } from 'mqtt';
import { device, gatewayWith, givenGateway, V3, V5 } from '../testing/given-gateway.js';
import { logHolds } from '../testing/log-holds.js';
import { recordsOf, type TestGateway } from '../testing/test-gateway.js';

const TOPIC = 'devices/pump-7/events/gone';

/** A device with a will and a session of an hour. */
function withWill(willDelayInterval: number, more: Partial<IClientOptions> = {}): IClientOptions {
  const payload = Buffer.from('{"state":"raised"}');
  const will = { topic: TOPIC, payload, qos: 1 as const, retain: false, properties: { willDelayInterval } };
  return { ...V5, clean: false, properties: { sessionExpiryInterval: 3_600 }, will, ...more };
}
const KEPT = { ...V5, clean: false, properties: { sessionExpiryInterval: 3_600 } };
const NEW = { ...KEPT, clean: true };

async function vanish(log: CommitLog, client: MqttClient): Promise<void> {
  client.stream.destroy();
  await logHolds(log, 'fieldgate.sessions.v1', '"connected":false');
}

async function willsIn(log: CommitLog): Promise<number> {
  const events = await recordsOf(log, 'fieldgate.events.v1');
  return events.filter(({ json }) => (json['data'] as { event: string }).event === 'gone').length;
}

/** Connects and says something that the log has after everything before it. */
async function says(gateway: TestGateway, log: CommitLog, options: IClientOptions): Promise<MqttClient> {
  const client = await device(gateway, options);
  await client.publishAsync('devices/pump-7/events/marker', '{"state":"info"}', { qos: 1 });
  await logHolds(log, 'fieldgate.sessions.v1', '"connected":true', 2);
  return client;
}

it('is published by the gateway when its delay is over, and then no longer in the record', async () => {
  const { log, gateway } = await givenGateway();
  const client = await device(gateway, withWill(1));
  client.stream.destroy();
  await logHolds(log, 'fieldgate.events.v1', '"event":"gone"');
  await logHolds(log, 'fieldgate.sessions.v1', '"connected":false', 2);
  const records = await recordsOf(log, 'fieldgate.sessions.v1');
  expect(records.map(({ json }) => 'will' in (json['data'] as object))).toEqual([true, true, false]);
});

it('is published at once for MQTT 3.1.1', async () => {
  const { log, gateway } = await givenGateway();
  const client = await device(gateway, { ...withWill(0), ...V3, properties: {} });
  client.stream.destroy();
  await logHolds(log, 'fieldgate.events.v1', '"event":"gone"');
});

it('is not published when the device says goodbye', async () => {
  const { log, gateway } = await givenGateway();
  const client = await device(gateway, withWill(0));
  await client.endAsync();
  await logHolds(log, 'fieldgate.sessions.v1', '"connected":false');
  await says(gateway, log, NEW);
  expect(await willsIn(log)).toBe(0);
});

it('is given up when the device comes back to its session, at this or another gateway', async () => {
  for (const other of [undefined, 'gw-2']) {
    const { log, gateway } = await givenGateway();
    const second = other === undefined ? gateway : await gatewayWith(log, { gatewayId: other });
    await vanish(log, await device(gateway, withWill(3_600)));
    const back = await says(second, log, KEPT);
    await back.endAsync();
    await says(gateway, log, NEW); // a will that still waited would be published now
    expect(await willsIn(log)).toBe(0);
  }
});

it('is published when the device begins a new session, at this or another gateway', async () => {
  for (const other of [undefined, 'gw-2']) {
    const { log, gateway } = await givenGateway();
    const second = other === undefined ? gateway : await gatewayWith(log, { gatewayId: other });
    await vanish(log, await device(gateway, withWill(3_600)));
    await device(second, NEW);
    await logHolds(log, 'fieldgate.events.v1', '"event":"gone"');
  }
});

it('is published when another connection takes the device over and begins a new session, and given up when it goes on', async () => {
  const { log, gateway } = await givenGateway();
  const second = await gatewayWith(log, { gatewayId: 'gw-2' });
  await device(gateway, withWill(3_600));
  await device(second, withWill(3_600)); // goes on
  await device(gateway, withWill(3_600)); // and back
  await logHolds(log, 'fieldgate.events.v1', '"reason":"taken-over"', 2);
  expect(await willsIn(log)).toBe(0);
  await device(second, NEW);
  await logHolds(log, 'fieldgate.events.v1', '"event":"gone"');
});

it('is published by a gateway that stops, but for one that may wait: that is for its next run', async () => {
  const { log, gateway } = await givenGateway();
  await device(gateway, withWill(0));
  await gateway.stop();
  expect(await willsIn(log)).toBe(1);
  const second = await gatewayWith(log.restarted());
  await device(second, withWill(1));
  await second.stop();
  const afterStop = log.restarted();
  await gatewayWith(afterStop);
  await logHolds(afterStop, 'fieldgate.events.v1', '"event":"gone"', 2);
});

it('is in the log before a gateway that stops says that it has', async () => {
  const { log } = await givenGateway();
  const order: string[] = [];
  const append: LogWriter['append'] = (record, settle) => {
    const text = Buffer.from(record.value ?? '').toString();
    const isWill = text.includes('"event":"gone"');
    if (isWill)
      setTimeout(() => log.writer.append(record, settle), 100).unref(); // a slow log
    else log.writer.append(record, settle);
    if (text.includes('"stopping":true')) order.push(`stopping after ${willsAppended}`);
    return true;
  };
  let willsAppended = 0;
  const follow = log.reader.follow(
    'fieldgate.events.v1',
    'latest',
    (records) => {
      willsAppended += records.filter(({ value }) => Buffer.from(value ?? '').includes('"gone"')).length;
    },
    { failed: (error) => order.push(String(error)) },
  );
  await follow;
  const slow = {
    ...log,
    writer: { append, drained: (listener: () => void) => log.writer.drained(listener) },
  };
  const gateway = await gatewayWith(slow, { gatewayId: 'gw-2' });
  await device(gateway, withWill(0));
  await gateway.stop();
  expect(order).toEqual(['stopping after 1']);
});

it('is published once by a gateway that stops, and not again by its next run', async () => {
  const { log, gateway } = await givenGateway();
  await device(gateway, withWill(0));
  await gateway.stop();
  expect(await willsIn(log)).toBe(1);
  const afterStop = log.restarted();
  const next = await gatewayWith(afterStop);
  await says(next, afterStop, NEW);
  expect(await willsIn(afterStop)).toBe(1);
});

it('is published by the next run when it could not be written before the stop, though the end of its connection was', async () => {
  const { log } = await givenGateway();
  const append: LogWriter['append'] = (record, settle) => {
    if (!Buffer.from(record.value ?? '').includes('"event":"gone"')) return log.writer.append(record, settle);
    queueMicrotask(() => settle(new FieldgateError('log-unavailable'), undefined, record));
    return true;
  };
  const ingest = { append, drained: (listener: () => void) => log.writer.drained(listener) };
  const gateway = await gatewayWith({ ...log, ingest }, { gatewayId: 'gw-2' });
  const client = await device(gateway, withWill(0));
  client.stream.destroy();
  await logHolds(log, 'fieldgate.sessions.v1', '"connected":false');
  await gateway.stop();
  expect(await willsIn(log)).toBe(0);
  const afterStop = log.restarted();
  await gatewayWith(afterStop, { gatewayId: 'gw-2' });
  await logHolds(afterStop, 'fieldgate.events.v1', '"event":"gone"');
});

it('is published by the next run of a gateway that was killed', async () => {
  const { log, gateway } = await givenGateway();
  await device(gateway, withWill(0));
  await logHolds(log, 'fieldgate.sessions.v1', '"connected":true');
  const afterKill = log.restarted(); // the first gateway goes on, but nobody hears of it
  await afterKill.start();
  await gatewayWith(afterKill);
  await logHolds(afterKill, 'fieldgate.events.v1', '"event":"gone"');
});

it('is refused when it is larger than 4,096 bytes', async () => {
  const { gateway } = await givenGateway();
  const will = { topic: TOPIC, payload: Buffer.alloc(4_097), qos: 1 as const, retain: false };
  await expect(device(gateway, { ...V5, will })).rejects.toMatchObject({ code: 0x97 });
  await device(gateway, { ...V5, will: { ...will, payload: Buffer.alloc(4_096) } });
});

it('of a device that is taken over it has not the id of what the new connection says first, nor its place', async () => {
  const { log, gateway } = await givenGateway();
  const topic = 'devices/pump-7/telemetry';
  const will = { topic, payload: Buffer.from('{"online":0}'), qos: 1 as const, retain: false };
  const first = await device(gateway, { ...V3, will });
  const second = await device(gateway, V3);
  await second.publishAsync(topic, '{"online":1}', { qos: 1 });
  await logHolds(log, 'fieldgate.telemetry.v1', '"online"', 2);
  const ids = (await recordsOf(log, 'fieldgate.telemetry.v1')).map(({ json }) => String(json['id']));
  expect(ids).toHaveLength(2);
  expect(new Set(ids.map(mintedSequence)).size).toBe(1);
  const [one = NaN, two = NaN] = ids.map(mintedNumber);
  expect(two).toBeGreaterThan(one);
  first.end(true);
});
