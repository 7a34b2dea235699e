import { describe, expect, it } from '@jest/globals';
import { PacketType, type ConnectPacket } from '../codec/packet.js';
import { ReasonCode } from '../codec/reason-codes.js';
import { anOpenConnection, type GivenConnection } from '../testing/given-connection.js';
import { aPublish } from '../testing/packets.js';

const RECEIPT = { userProperties: [['offset', '12']] } as const;
const WHY = 'the payload is not JSON';

async function given(connect: Partial<ConnectPacket> = {}, version: 4 | 5 = 5): Promise<GivenConnection> {
  return anOpenConnection({ settles: false, version, connect });
}

/** The answer to one message of this QoS. */
async function answerTo(
  open: GivenConnection,
  qos: 1 | 2,
  ...[reasonCode, reason]: [ReasonCode?, string?]
): Promise<unknown> {
  open.client.send(aPublish({ packetId: 7, qos }));
  await open.client.all();
  open.connection.settle(open.arrived.at(-1)?.delivery ?? -1, reasonCode, reason, RECEIPT);
  return (await open.client.all())[0];
}

describe.each([
  ['PUBACK', 1, PacketType.puback],
  ['PUBREC', 2, PacketType.pubrec],
] as const)('the properties of a %s', (_name, qos, type) => {
  it('are sent with success, and beside the reason of a refusal', async () => {
    const open = await given();
    expect(await answerTo(open, qos)).toEqual({ type, packetId: 7, reasonCode: 0, properties: RECEIPT });
    const refused = await given();
    expect(await answerTo(refused, qos, ReasonCode.payloadFormatInvalid, WHY)).toEqual({
      type,
      packetId: 7,
      reasonCode: ReasonCode.payloadFormatInvalid,
      properties: { ...RECEIPT, reasonString: WHY },
    });
  });

  it('are left out where they would make it too large, before the Reason String is', async () => {
    const small = await given({ properties: { maximumPacketSize: 19 } });
    expect(await answerTo(small, qos)).toMatchObject({ properties: RECEIPT }); // just fits
    const smaller = await given({ properties: { maximumPacketSize: 18 } });
    expect(await answerTo(smaller, qos)).toEqual({ type, packetId: 7, reasonCode: 0, properties: {} });
    const refused = await given({ properties: { maximumPacketSize: 6 + 3 + WHY.length } });
    expect(await answerTo(refused, qos, ReasonCode.payloadFormatInvalid, WHY)).toMatchObject({
      reasonCode: ReasonCode.payloadFormatInvalid,
      properties: { reasonString: WHY },
    });
  });

  it('are not sent to a client that wants no problem information, or that speaks 3.1.1', async () => {
    const silent = await given({ properties: { requestProblemInformation: 0 } });
    expect(await answerTo(silent, qos)).toMatchObject({ packetId: 7, properties: {} });
    const old = await given({}, 4);
    expect(await answerTo(old, qos)).toMatchObject({ packetId: 7, properties: {} });
  });
});

it('keeps the properties of each message for its own answer, in the order of the messages', async () => {
  const { client, connection, arrived } = await given();
  client.send(aPublish({ packetId: 1, qos: 1 }), aPublish({ packetId: 2, qos: 1 }));
  await client.all();
  for (const index of [1, 0])
    connection.settle(arrived[index]?.delivery ?? -1, ReasonCode.success, undefined, {
      userProperties: [['offset', String(index)]],
    });
  expect(await client.all()).toMatchObject([
    { packetId: 1, properties: { userProperties: [['offset', '0']] } },
    { packetId: 2, properties: { userProperties: [['offset', '1']] } },
  ]);
});
