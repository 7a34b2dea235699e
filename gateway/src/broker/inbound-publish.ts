import type { PublishPacket } from 'aedes';
import type { InboundPublish } from '../ingest/publish.js';

/** A PUBLISH, or a will, without what only aedes needs. */
export function inboundPublish(packet: PublishPacket): InboundPublish {
  const { properties } = packet;
  const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload;
  if (!properties) return { topic: packet.topic, payload, qos: packet.qos };
  const status = properties.userProperties?.['status'];
  return {
    topic: packet.topic,
    payload,
    qos: packet.qos,
    ...(properties.correlationData === undefined ? {} : { correlationData: properties.correlationData }),
    ...(status === undefined ? {} : { status: Array.isArray(status) ? (status[0] ?? '') : status }),
  };
}
