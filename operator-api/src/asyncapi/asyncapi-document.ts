import { LOG_TOPICS, type LogTopic } from '@fieldgate/contracts';
import { jsonSchemaOf } from '../openapi/openapi-document.js';
import { DEVICE_CHANNELS, PARAMETERS, type DeviceChannel } from './device-messages.js';
import { LOG_MESSAGES, recordSchemaOf } from './log-messages.js';

type Json = Readonly<Record<string, unknown>>;

const DAY_MS = 86_400_000;
const JSON_TYPE = 'application/json';
const TOPICS = Object.keys(LOG_TOPICS) as LogTopic[]; // the keys of the table are the topics

/** AsyncAPI 3.0 (https://www.asyncapi.com/docs/reference/specification/v3.0.0): what devices say and hear, and what stands in the log. */
export function asyncApiDocument(version: string): Json {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Fieldgate',
      version,
      description:
        'MQTT topics of devices, and topics of the log. docs/device-guide.md and docs/architecture.md have the whole story.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: JSON_TYPE,
    servers: {
      mqtt: {
        host: 'localhost:1883',
        protocol: 'mqtt',
        description:
          'MQTT 3.1, 3.1.1 and 5; over TLS and WebSocket at the ports that the operator has opened. User name = device id',
      },
      kafka: {
        host: 'localhost:9092',
        protocol: 'kafka',
        description: 'With FIELDGATE_KAFKA_BROKERS; else the log is embedded',
      },
    },
    channels: Object.fromEntries([
      ...DEVICE_CHANNELS.map((channel) => [channel.id, deviceChannel(channel)]),
      ...TOPICS.map((topic) => [idOf(topic), logChannel(topic)]),
    ]) as Json, // pairs of an id and a channel
    operations: Object.fromEntries([
      ...DEVICE_CHANNELS.map(({ id, action, summary }) => [
        `${action}-${id}`,
        operation(id, action, summary),
      ]),
      ...TOPICS.map((topic) => [
        `receive-${idOf(topic)}`,
        operation(idOf(topic), 'receive', LOG_MESSAGES[topic].summary),
      ]),
    ]) as Json, // pairs of an id and an operation
  };
}

function deviceChannel({ id, address, summary, payload, contentType, properties }: DeviceChannel): Json {
  const names = [...address.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
  return {
    address,
    summary,
    servers: [{ $ref: '#/servers/mqtt' }],
    parameters: Object.fromEntries(names.map((name) => [name, { description: PARAMETERS[name] ?? name }])),
    messages: {
      [id]: {
        contentType: contentType ?? JSON_TYPE,
        payload: jsonSchemaOf(payload, 'input'),
        ...(properties === undefined ? {} : { description: propertiesText(properties) }),
      },
    },
  };
}

function propertiesText(properties: Readonly<Record<string, string>>): string {
  const lines = Object.entries(properties).map(([name, says]) => `${name}: ${says}`);
  return `MQTT 5: ${lines.join('; ')}.`;
}

function logChannel(topic: LogTopic): Json {
  const { cleanup, retentionMs, partitions } = LOG_TOPICS[topic];
  const { summary, key } = LOG_MESSAGES[topic];
  const id = idOf(topic);
  return {
    address: topic,
    summary,
    servers: [{ $ref: '#/servers/kafka' }],
    bindings: {
      kafka: {
        topic,
        partitions,
        topicConfiguration: {
          'cleanup.policy': [cleanup],
          ...(cleanup === 'delete' ? { 'retention.ms': retentionMs } : {}),
        },
        bindingVersion: '0.5.0',
      },
    },
    description:
      cleanup === 'compact'
        ? 'The newest record of each key is kept.'
        : `Kept for ${retentionMs / DAY_MS} days.`,
    messages: {
      [id]: {
        contentType: 'application/cloudevents+json',
        payload: jsonSchemaOf(recordSchemaOf(topic), 'input'),
        bindings: { kafka: { key: { type: 'string', description: key }, bindingVersion: '0.5.0' } },
      },
    },
  };
}

/** `fieldgate.alert-states.v1` → `alertStatesV1` */
function idOf(topic: LogTopic): string {
  return topic.replace('fieldgate.', '').replace(/[.-](\w)/g, (_, letter: string) => letter.toUpperCase());
}

function operation(channel: string, action: 'send' | 'receive', summary: string): Json {
  return {
    action,
    channel: { $ref: `#/channels/${channel}` },
    summary,
    messages: [{ $ref: `#/channels/${channel}/messages/${channel}` }],
  };
}
