import {
  PacketType,
  type ConnackPacket,
  type ConnectPacket,
  type PublishPacket,
  type ReasonCode,
} from '@fieldgate/mqtt-edge';
import { aConnect, aPublish, aSubscribe, type Said } from '../../../src/testing/packets.js';
import { aClient, turns, type TestClient } from '../../../src/testing/test-client.js';
import { LabBroker } from '../lab-broker.js';
import type { LabLimits } from '../lab-limits.js';

export type Admitted = Partial<ConnectPacket> & { readonly expiry?: number };

/** A lab broker whose clock stands still unless it is moved, and clients of it, packet by packet. */
export class GivenLab {
  readonly broker: LabBroker;
  now = 1_000_000;
  private named = 0;

  constructor(limits: Partial<LabLimits> = {}) {
    this.broker = new LabBroker({
      limits,
      now: () => this.now,
      newClientId: () => `assigned-${++this.named}`,
    });
  }

  /** Has sent CONNECT. */
  asking({ expiry, ...connect }: Admitted = {}): TestClient {
    const { client, stream } = aClient(connect.version ?? 5);
    this.broker.accept(stream);
    const properties = expiry === undefined ? {} : { sessionExpiryInterval: expiry };
    const clientId = `client-${++this.named}`;
    client.send(aConnect({ clientId, ...connect, properties: { ...connect.properties, ...properties } }));
    return client;
  }

  async admitted(connect: Admitted = {}): Promise<{ client: TestClient; connack: ConnackPacket }> {
    const client = this.asking(connect);
    return { client, connack: await client.take(PacketType.connack) };
  }

  async client(connect: Admitted = {}): Promise<TestClient> {
    return (await this.admitted(connect)).client;
  }

  /** A client that has subscribed, and has read what came with it. */
  async subscriber(
    filters: Parameters<typeof aSubscribe>[0],
    { connect, ...options }: { connect?: Admitted } & NonNullable<Parameters<typeof aSubscribe>[1]> = {},
  ): Promise<TestClient> {
    const client = await this.client(connect);
    await subscribed(client, filters, options);
    return client;
  }

  /** Published by another client; resolves when it has been delivered. */
  async publish(said: Said): Promise<void> {
    const client = await this.client();
    client.send(aPublish(said));
    await turns();
    client.stream.end();
    await turns();
  }

  /** Lets time go by, and the broker look at the clock. */
  async later(ms: number): Promise<void> {
    this.now += ms;
    this.broker.tick();
    await turns();
  }
}

/** The codes of its SUBACK. */
export async function subscribed(
  client: TestClient,
  ...subscribe: Parameters<typeof aSubscribe>
): Promise<readonly ReasonCode[]> {
  client.send(aSubscribe(...subscribe));
  return (await client.take(PacketType.suback)).reasonCodes;
}

export async function unsubscribed(
  client: TestClient,
  ...filters: readonly string[]
): Promise<readonly ReasonCode[]> {
  client.send({ type: PacketType.unsubscribe, packetId: 77, filters, properties: {} });
  return (await client.take(PacketType.unsuback)).reasonCodes;
}

/** What it has been sent; everything else is passed over. */
export async function messagesOf(client: TestClient): Promise<readonly PublishPacket[]> {
  const packets = await client.all();
  return packets.filter((packet) => packet.type === PacketType.publish);
}

export async function topicsOf(client: TestClient): Promise<readonly string[]> {
  return (await messagesOf(client)).map(({ topic }) => topic);
}

export async function payloadsOf(client: TestClient): Promise<readonly string[]> {
  return (await messagesOf(client)).map(({ payload }) => payload.toString());
}

/** The connection breaks, without DISCONNECT. */
export async function lost(client: TestClient): Promise<void> {
  client.stream.end();
  await turns();
}
