import type { Message, Properties, Qos } from '@fieldgate/mqtt-edge';

/** A message as the broker keeps it: with a payload of its own, and a time instead of an interval. */
export interface StoredMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: Qos;
  readonly retain: boolean;
  /** Those that go to every subscriber unaltered ([MQTT-3.3.2-4], -15 to -18, -20). */
  readonly properties: Properties;
  /** Milliseconds of the clock; undefined: never. */
  readonly expiresAt: number | undefined;
}

/** What stays of a PUBLISH or a will that is published now: the interval counts from here. */
export function stored(message: Omit<Message, 'topic'>, topic: string, now: number): StoredMessage {
  const { payload, qos, retain, properties } = message;
  const {
    payloadFormatIndicator,
    contentType,
    responseTopic,
    correlationData,
    userProperties,
    messageExpiryInterval,
  } = properties;
  return {
    topic,
    payload: Buffer.from(payload), // a copy: the view would keep the chunk that it came in
    qos,
    retain,
    properties: {
      ...(payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator }),
      ...(contentType === undefined ? {} : { contentType }),
      ...(responseTopic === undefined ? {} : { responseTopic }),
      ...(correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData) }),
      ...(userProperties === undefined ? {} : { userProperties }),
    },
    expiresAt: messageExpiryInterval === undefined ? undefined : now + messageExpiryInterval * 1_000,
  };
}

export function hasExpired({ expiresAt }: StoredMessage, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}

/** For budgets, not to the byte. */
export function sizeOf({ topic, payload, properties }: StoredMessage): number {
  const { contentType = '', responseTopic = '', correlationData, userProperties = [] } = properties;
  let bytes = 256 + topic.length + payload.length + contentType.length + responseTopic.length;
  bytes += correlationData?.length ?? 0;
  for (const [name, value] of userProperties) bytes += 64 + name.length + value.length;
  return bytes;
}
