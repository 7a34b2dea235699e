import { expect, it } from '@jest/globals';
import { ReasonCode, type Properties } from '@fieldgate/mqtt-edge';
import { aDisconnect, aMessage, aPublish } from '../../src/testing/packets.js';
import { turns, type TestClient } from '../../src/testing/test-client.js';
import { GivenLab, lost, messagesOf, payloadsOf } from './testing/given-lab.js';

const will = (properties: Properties = {}, retain = false) =>
  aMessage({ topic: 'will', payload: Buffer.from('gone'), retain, properties });

async function watched(): Promise<{ lab: GivenLab; watcher: TestClient }> {
  const lab = new GivenLab();
  const watcher = await lab.subscriber([{ filter: 'will', retainAsPublished: true }]);
  return { lab, watcher };
}

it('publishes the will of a client that is lost, once', async () => {
  const { lab, watcher } = await watched();
  const session = { clientId: 'pump', clean: false, expiry: 60 };
  const client = await lab.client({ ...session, will: will() });
  await lab.later(3_600_000);
  expect(await messagesOf(watcher)).toEqual([]); // it is kept with the session
  await lost(client);
  expect(await payloadsOf(watcher)).toEqual(['gone']);
  await lost(await lab.client(session)); // which has brought none
  await lab.later(60_000);
  expect(await payloadsOf(watcher)).toEqual([]);
});

it('publishes the will of a client that breaks a rule, is silent or is taken over', async () => {
  const { lab, watcher } = await watched();
  const rude = await lab.client({ will: will() });
  rude.send(aPublish({ topic: '#' }));
  await turns();
  expect(await payloadsOf(watcher)).toEqual(['gone']);
  await lab.client({ will: will(), keepAlive: 10 });
  await lab.later(15_000);
  expect(await payloadsOf(watcher)).toEqual(['gone']);
  await lab.client({ clientId: 'twice', will: will() });
  await lab.client({ clientId: 'twice' });
  expect(await payloadsOf(watcher)).toEqual(['gone']);
});

it('forgets the will at DISCONNECT, and publishes it where DISCONNECT asks for it', async () => {
  const { lab, watcher } = await watched();
  const [quiet, loud] = [await lab.client({ will: will() }), await lab.client({ will: will() })];
  quiet.send(aDisconnect());
  await turns();
  expect(await payloadsOf(watcher)).toEqual([]);
  loud.send(aDisconnect(ReasonCode.disconnectWithWill));
  await turns();
  expect(await payloadsOf(watcher)).toEqual(['gone']);
});

it('waits for the Will Delay Interval, or for the end of the session when that comes before', async () => {
  const { lab, watcher } = await watched();
  await lost(await lab.client({ expiry: 60, will: will({ willDelayInterval: 10 }) }));
  await lab.later(9_999);
  expect(await payloadsOf(watcher)).toEqual([]);
  await lab.later(1);
  expect(await payloadsOf(watcher)).toEqual(['gone']);
  await lost(await lab.client({ expiry: 5, will: will({ willDelayInterval: 10 }) }));
  await lab.later(5_000);
  expect(await payloadsOf(watcher)).toEqual(['gone']);
  await lost(await lab.client({ will: will({ willDelayInterval: 10 }) })); // no session, no delay
  expect(await payloadsOf(watcher)).toEqual(['gone']);
});

it('does not publish the will of a client that is back within the delay', async () => {
  const { lab, watcher } = await watched();
  const session = { clientId: 'pump', expiry: 60 };
  await lost(await lab.client({ ...session, will: will({ willDelayInterval: 10 }) }));
  await lab.later(9_000);
  await lab.client({ ...session, clean: false });
  await lab.later(60_000);
  expect(await payloadsOf(watcher)).toEqual([]);
});

it('publishes the will at once that waits for a client whose session is thrown away', async () => {
  const { lab, watcher } = await watched();
  const session = { clientId: 'pump', expiry: 60 };
  await lost(await lab.client({ ...session, will: will({ willDelayInterval: 10 }) }));
  await lab.client({ ...session, clean: true });
  expect(await payloadsOf(watcher)).toEqual(['gone']);
});

it('publishes a will as an ordinary message, or as a retained one when it says so', async () => {
  const { lab, watcher } = await watched();
  await lost(await lab.client({ will: will() }));
  expect(await messagesOf(watcher)).toMatchObject([{ retain: false }]);
  expect(await messagesOf(await lab.subscriber('will'))).toEqual([]);
  await lost(await lab.client({ will: will({}, true) }));
  expect(await messagesOf(watcher)).toMatchObject([{ retain: true }]);
  expect(await messagesOf(await lab.subscriber('will'))).toMatchObject([{ retain: true, topic: 'will' }]);
});

it('publishes the properties of a will but its delay, user properties in their order', async () => {
  const { lab, watcher } = await watched();
  const properties = {
    userProperties: [
      ['b', '1'],
      ['a', '2'],
      ['b', '0'],
    ],
    contentType: 'text/plain',
    payloadFormatIndicator: 1,
  } as const;
  const delayed = will({ ...properties, willDelayInterval: 1, messageExpiryInterval: 30 });
  await lost(await lab.client({ expiry: 60, will: delayed }));
  await lab.later(1_000);
  const [published] = await messagesOf(watcher);
  expect(published?.properties).toEqual({ ...properties, messageExpiryInterval: 30 });
});
