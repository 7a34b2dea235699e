import type { AedesPublishPacket, Client } from 'aedes';
import {
  CLOSE_REASONS,
  type CloseReason,
  type DeviceConnection,
  type DisconnectReason,
  type OutboundCommand,
} from '../sessions/device-session.js';
import type { DevicePersistence } from './device-persistence.js';

/** The device's end of a session, as aedes has it. */
export class AedesConnection implements DeviceConnection {
  private lastMessageId = 0;
  /** Handed to aedes, not numbered yet; by topic, which holds the command's id. */
  private readonly sending = new Map<string, OutboundCommand>();
  endedBecause: DisconnectReason | undefined;

  constructor(
    private readonly client: Client,
    private readonly persistence: DevicePersistence,
  ) {}

  close(reason: CloseReason): boolean {
    const isFirst = this.endedBecause === undefined;
    this.endedBecause ??= reason;
    const { reasonCode, says } = CLOSE_REASONS[reason];
    this.client.disconnect({ reasonCode, properties: { reasonString: says } });
    return isFirst;
  }

  send(message: OutboundCommand): boolean {
    if (this.client.closed || !this.client.connected) return false;
    const { responseTopic, correlationData, messageExpirySeconds, contentType } = message.properties;
    const properties =
      this.client.version === 5
        ? {
            responseTopic,
            correlationData: Buffer.from(correlationData),
            messageExpiryInterval: messageExpirySeconds,
            contentType,
          }
        : undefined;
    this.sending.set(message.topic, message);
    this.client.publish(
      {
        cmd: 'publish',
        topic: message.topic,
        payload: Buffer.from(message.payload),
        qos: message.qos,
        retain: false,
        dup: false,
        ...(properties ? { properties } : {}),
      },
      // aedes calls this when the bytes are written; without a PUBACK it says nothing about the device
      () => this.sending.delete(message.topic),
    );
    return true;
  }

  /** Gives a QoS 1 packet its id, under which the PUBACK will come. */
  number(packet: AedesPublishPacket): AedesPublishPacket {
    const message = this.sending.get(packet.topic);
    if (!message || packet.qos === 0) return packet;
    do this.lastMessageId = (this.lastMessageId % 65_535) + 1;
    while (this.persistence.isAwaited(this.client.id, this.lastMessageId));
    this.persistence.expectAck(this.client.id, this.lastMessageId, { acknowledged: message.acknowledged });
    return { ...packet, messageId: this.lastMessageId };
  }
}
