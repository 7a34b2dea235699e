import { InboundPublish, type SharedTopic } from './inbound-publish.js';
import { PacketType } from './packet.js';
import type { PacketReader } from './packet-reader.js';
import { NO_PROPERTIES } from './properties.js';
import { protocolError } from './protocol-violation.js';
import { readProperties } from './read-properties.js';
import type { TopicMemory } from './topic-memory.js';
import { topicBytesObjection } from './topics.js';

const EMPTY_TOPIC: SharedTopic = { text: '' };

/** PUBLISH (3.3). The hot path: nothing is decoded or viewed that the rules do not need. */
export function readPublish(reader: PacketReader, memory: TopicMemory): InboundPublish {
  const { bytes, firstByte } = reader;
  const length = reader.twoBytes('topic name');
  const topicAt = reader.at;
  const topicEnd = topicAt + length;
  let topic = EMPTY_TOPIC;
  if (length > 0) topic = readTopic(reader, memory, topicAt, topicEnd);
  const packetId = (firstByte & 0b0110) === 0 ? undefined : reader.packetId();
  const properties = reader.version === 5 ? readProperties(reader, PacketType.publish) : NO_PROPERTIES;
  if (length === 0 && reader.objection === undefined && properties.topicAlias === undefined) {
    // 3.3.2.1 says protocol error, in so many words; Mosquitto's vector wants 0x81
    reader.object(protocolError('3.3.2.1', 'topic name is empty and there is no topic alias'));
  }
  const payloadAt = reader.at;
  reader.at = reader.end;
  return new InboundPublish(
    firstByte,
    packetId,
    properties,
    bytes,
    topicAt,
    topicEnd,
    payloadAt,
    reader.end,
    topic,
  );
}

function readTopic(reader: PacketReader, memory: TopicMemory, from: number, to: number): SharedTopic {
  if (to > reader.end) {
    reader.truncated('topic name');
    return EMPTY_TOPIC;
  }
  reader.at = to;
  const known = memory.find(reader.bytes, from, to);
  if (known !== undefined) return known;
  const objection = topicBytesObjection(reader.bytes, from, to, reader.strictStrings);
  if (objection === undefined) return memory.keep(reader.bytes, from, to);
  reader.object(objection);
  return EMPTY_TOPIC;
}
