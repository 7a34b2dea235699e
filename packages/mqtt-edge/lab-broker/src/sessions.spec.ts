import { expect, it } from '@jest/globals';
import { PacketType, ReasonCode } from '@fieldgate/mqtt-edge';
import { aDisconnect, aPublish, PINGREQ } from '../../src/testing/packets.js';
import { turns } from '../../src/testing/test-client.js';
import { GivenLab, lost, messagesOf, payloadsOf, subscribed } from './testing/given-lab.js';

const KEPT = { clientId: 'pump', clean: false, expiry: 60 };

it('begins a session where none is kept, and goes on with the one that is', async () => {
  const lab = new GivenLab();
  const first = await lab.admitted(KEPT);
  expect(first.connack.sessionPresent).toBe(false);
  await subscribed(first.client, 'a', { qos: 1 });
  await lost(first.client);
  await lab.publish({ payload: 'while away', packetId: 1 });
  const second = await lab.admitted(KEPT);
  expect(second.connack.sessionPresent).toBe(true);
  expect(await payloadsOf(second.client)).toEqual(['while away']);
  await lab.publish({ payload: 'while here', packetId: 1 });
  expect(await payloadsOf(second.client)).toEqual(['while here']);
});

it('throws the old session away on Clean Start', async () => {
  const lab = new GivenLab();
  const first = await lab.client(KEPT);
  await subscribed(first, 'a', { qos: 1 });
  await lost(first);
  await lab.publish({ payload: 'nobody', packetId: 1 });
  const second = await lab.admitted({ ...KEPT, clean: true });
  expect(second.connack.sessionPresent).toBe(false);
  await lab.publish({ payload: 'nobody', packetId: 1 });
  expect(await payloadsOf(second.client)).toEqual([]);
});

it('keeps a session for as long as its expiry says, and no longer', async () => {
  const lab = new GivenLab();
  const client = await lab.client(KEPT);
  await lab.later(120_000); // while the connection is open nothing runs out
  await lost(client);
  await lab.later(59_999);
  const back = await lab.admitted(KEPT);
  expect(back.connack.sessionPresent).toBe(true);
  await lost(back.client);
  await lab.later(60_000);
  expect((await lab.admitted(KEPT)).connack.sessionPresent).toBe(false);
});

it('ends a session without an expiry with its connection, and keeps that of MQTT 3.1.1 without clean session', async () => {
  const lab = new GivenLab();
  await lost(await lab.client({ clientId: 'five', clean: true }));
  expect((await lab.admitted({ clientId: 'five', clean: false })).connack.sessionPresent).toBe(false);
  await lost(await lab.client({ clientId: 'four', clean: false, version: 4 }));
  await lab.later(365 * 86_400_000);
  const four = await lab.admitted({ clientId: 'four', clean: false, version: 4 });
  expect(four.connack.sessionPresent).toBe(true);
});

it('takes the session expiry that DISCONNECT brings', async () => {
  const lab = new GivenLab();
  const client = await lab.client(KEPT);
  client.send(aDisconnect(ReasonCode.success, { sessionExpiryInterval: 0 }));
  expect(await client.next()).toBe('closed');
  expect((await lab.admitted(KEPT)).connack.sessionPresent).toBe(false);
});

it('ends the connection that has the same client id, and says so with 0x8E', async () => {
  const lab = new GivenLab();
  const [old, other] = [await lab.client(KEPT), await lab.client({ clientId: 'another' })];
  const { connack } = await lab.admitted(KEPT);
  expect(await old.take(PacketType.disconnect)).toMatchObject({ reasonCode: ReasonCode.sessionTakenOver });
  expect(await old.next()).toBe('closed');
  expect(connack.sessionPresent).toBe(true); // it is the session that is known by the client id, not its connection
  other.send(PINGREQ);
  expect(await other.take(PacketType.pingresp)).toBeDefined();
});

it('takes client ids of one to 23 letters and digits, and others too', async () => {
  const lab = new GivenLab();
  for (const clientId of ['a', '0123456789abcdefghijABC', 'ä/+#', 'constructor', '__proto__'])
    expect((await lab.admitted({ clientId })).connack.reasonCode).toBe(ReasonCode.success);
});

it('gives a client without an id one of its own, and tells it', async () => {
  const lab = new GivenLab();
  const nameless = { clientId: '', clean: true, expiry: 60 };
  const [one, another] = [await lab.admitted(nameless), await lab.admitted(nameless)];
  const clientId = one.connack.properties.assignedClientIdentifier ?? '';
  expect(clientId).toMatch(/^assigned-/);
  expect(another.connack.properties.assignedClientIdentifier).not.toBe(clientId);
  await lost(one.client);
  const back = await lab.admitted({ clientId, clean: false, expiry: 60 });
  expect(back.connack.sessionPresent).toBe(true); // as if it had sent it
});

it('refuses an empty client id of MQTT 3.1.1 that wants its session kept', async () => {
  const lab = new GivenLab();
  const { client, connack } = await lab.admitted({ clientId: '', clean: false, version: 4 });
  expect(connack).toMatchObject({ reasonCode: 2, sessionPresent: false });
  expect(await client.next()).toBe('closed');
});

it('knows a QoS 2 message of an earlier connection of the session, and not that of an earlier session', async () => {
  const lab = new GivenLab();
  const reader = await lab.subscriber('a');
  const sent = async (clean: boolean): Promise<void> => {
    const client = await lab.client({ ...KEPT, clean });
    client.send(aPublish({ packetId: 7, qos: 2 }));
    expect(await client.take(PacketType.pubrec)).toMatchObject({ packetId: 7, reasonCode: 0 });
    await lost(client);
  };
  await sent(true);
  await sent(false);
  expect(await messagesOf(reader)).toHaveLength(1);
  await sent(true);
  expect(await messagesOf(reader)).toHaveLength(1);
});

it('makes room for a new session at the cost of the one that has been away for longest', async () => {
  const lab = new GivenLab({ sessions: 2 });
  for (const clientId of ['one', 'two']) await lost(await lab.client({ ...KEPT, clientId }));
  await lab.client({ clientId: 'three' });
  expect((await lab.admitted({ ...KEPT, clientId: 'two' })).connack.sessionPresent).toBe(true);
  const { connack } = await lab.admitted({ clientId: 'four' }); // both are here
  expect(connack).toMatchObject({ reasonCode: ReasonCode.serverBusy });
  await turns();
});
