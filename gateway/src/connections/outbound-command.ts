import { encode, PacketType, type OutboundMessage } from '@fieldgate/mqtt-edge';
import type { OutboundCommand } from '../sessions/device-session.js';

/** A request as the edge sends it. `now`: of the clock that the edge goes by. */
export function messageOf(command: OutboundCommand, now: number): OutboundMessage {
  const { topic, payload, qos, properties } = command;
  const { responseTopic, correlationData, contentType, subscriptionIdentifiers } = properties;
  return {
    topic,
    payload,
    qos,
    retain: false,
    properties: {
      responseTopic,
      correlationData: Buffer.from(correlationData),
      contentType,
      ...(subscriptionIdentifiers.length === 0 ? {} : { subscriptionIdentifiers }),
    },
    expiresAt: now + properties.messageExpirySeconds * 1_000,
    done: (outcome) => {
      if (outcome === 'acknowledged' && qos > 0) command.acknowledged();
      else if (outcome === 'too-large' || outcome === 'queue-full' || outcome === 'expired')
        command.dropped(outcome);
    },
  };
}

/** Whether an MQTT 5 device with this Maximum Packet Size takes it ([MQTT-3.1.2-24]). */
export function fitsInto(maximumPacketSize: number, command: OutboundCommand): boolean {
  const { topic, payload, qos, retain, properties } = messageOf(command, 0);
  const packet = {
    type: PacketType.publish,
    dup: false,
    qos,
    retain,
    packetId: qos === 0 ? undefined : 1,
    topic,
    topicBytes: Buffer.from(topic),
    payload: Buffer.from(payload),
    properties: { ...properties, messageExpiryInterval: command.properties.messageExpirySeconds },
  } as const;
  return encode(packet, 5).length <= maximumPacketSize;
}
