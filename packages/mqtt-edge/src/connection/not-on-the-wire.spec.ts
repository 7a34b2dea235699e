import { expect, it } from '@jest/globals';
import { PacketType } from '../codec/packet.js';
import { NO_PROPERTIES, type Properties } from '../codec/properties.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { anOpenConnection } from '../testing/given-connection.js';
import { aConnect, aMessage } from '../testing/packets.js';

it('sends of a message that is forwarded as it came neither the topic alias nor an expiry that nobody counts down', async () => {
  const came: Properties = { topicAlias: 3, messageExpiryInterval: 9, contentType: 'text/plain' };
  const given = await anOpenConnection({ connect: aConnect({ properties: { topicAliasMaximum: 10 } }) });
  const expiresAt = given.now + 5_000;
  for (const more of [{}, { expiresAt }])
    given.connection.send({ ...aMessage({ properties: came }), ...more });
  expect((await given.client.take(PacketType.publish)).properties).toEqual({ contentType: 'text/plain' });
  expect((await given.client.take(PacketType.publish)).properties).toEqual({
    contentType: 'text/plain',
    messageExpiryInterval: 5,
  });
});

it('says in its DISCONNECT no session expiry, which is the word of the client', async () => {
  const given = await anOpenConnection();
  const properties: Properties = {
    sessionExpiryInterval: 5,
    serverReference: 'other',
    userProperties: [['a', 'b']],
  };
  given.connection.close(ReasonCode.useAnotherServer, 'bye', properties);
  expect(await given.client.take(PacketType.disconnect)).toMatchObject({
    reasonCode: ReasonCode.useAnotherServer,
    properties: { reasonString: 'bye', serverReference: 'other', userProperties: [['a', 'b']] },
  });
});

it('keeps a message without properties without any', async () => {
  const given = await anOpenConnection();
  given.connection.send({ ...aMessage(), properties: NO_PROPERTIES });
  expect((await given.client.take(PacketType.publish)).properties).toEqual({});
});
