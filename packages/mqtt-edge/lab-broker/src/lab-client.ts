import type { Duplex } from 'node:stream';
import {
  Connection,
  ReasonCode,
  type ConnectionEnd,
  type ConnectionHandler,
  type ConnectPacket,
  type PublishPacket,
  type SubscribePacket,
  type UnsubscribePacket,
} from '@fieldgate/mqtt-edge';
import type { BrokerSession } from './broker-session.js';
import type { LabBroker } from './lab-broker.js';
import { stored } from './stored-message.js';

/** One client of the lab broker, from CONNECT to the end of its connection. */
export class LabClient implements ConnectionHandler {
  readonly connection: Connection;
  private session: BrokerSession | undefined;

  constructor(
    private readonly broker: LabBroker,
    stream: Duplex,
  ) {
    this.connection = new Connection(stream, broker.limits, this, broker.now);
  }

  connect(packet: ConnectPacket): void {
    const assigned = packet.clientId === '' ? this.broker.newClientId() : undefined;
    if (assigned !== undefined && (packet.version < 4 || (packet.version === 4 && !packet.clean)))
      return this.connection.refuse(
        ReasonCode.clientIdentifierNotValid,
        'the client id is empty [MQTT-3.1.3-8]',
      );
    const opened = this.broker.open(assigned ?? packet.clientId, packet);
    if (!opened) return this.connection.refuse(ReasonCode.serverBusy, 'too many sessions');
    const { session, isOld } = opened;
    this.session = session;
    session.connection = this.connection;
    this.connection.accept({
      session: session.state,
      sessionPresent: isOld,
      ...(assigned === undefined ? {} : { assignedClientId: assigned }),
    });
  }

  publish(message: PublishPacket, topic: string, delivery: number): void {
    const isKept = this.broker.publish(stored(message, topic, this.broker.now()), this.session);
    if (delivery < 0) return;
    if (isKept) this.connection.settle(delivery);
    else this.connection.settle(delivery, ReasonCode.quotaExceeded, 'no room to retain the message');
  }

  subscribe({ packetId, subscriptions, properties }: SubscribePacket): void {
    const { session } = this;
    if (!session) return;
    const identifier = properties.subscriptionIdentifiers?.[0];
    const looked = subscriptions.slice(0, this.broker.limits.filtersPerSubscribe);
    const answers = looked.map((request) => this.broker.subscribe(session, request, identifier));
    const codes = subscriptions.map((_, index) => answers[index]?.code ?? ReasonCode.quotaExceeded);
    const full = codes.includes(ReasonCode.quotaExceeded);
    this.connection.suback(
      packetId,
      codes,
      full ? { reasonString: this.broker.subscriptionLimit } : undefined,
    );
    for (const { retained, subscription } of answers)
      for (const message of retained) session.deliverRetained(message, subscription);
  }

  unsubscribe({ packetId, filters }: UnsubscribePacket): void {
    const { session } = this;
    if (!session) return;
    this.connection.unsuback(
      packetId,
      filters.map((filter) => this.broker.unsubscribe(session, filter)),
    );
  }

  closed(end: ConnectionEnd): void {
    if (this.session?.connection === this.connection) this.broker.left(this.session, end);
  }
}
