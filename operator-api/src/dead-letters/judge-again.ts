import {
  decodeAlertStep,
  decodeEvent,
  decodeTelemetry,
  deviceTopicPrefix,
  encodeEvent,
  encodeTelemetry,
  identify,
  isRejection,
  parseConditionEvent,
  parseUpTopic,
  PRESENCE_EVENTS,
  readTelemetry,
  reject,
  telemetryWriter,
  type LogTopic,
  type Rejection,
  type TelemetryFormat,
  type TelemetryMessage,
} from '@fieldgate/contracts';
import type { NewRecord } from '@fieldgate/commit-log';
import type { DeadLetter } from './read-dead-letters.js';

/** Whoever writes a dead letter keeps no more of the bytes; what is as long was cut. */
const KEPT_BYTES = 512 * 1024;

/** Event topics a record may go back to: in a table it would undo what came after it, and a command's time is over. */
const DECODERS = {
  'fieldgate.telemetry.v1': decodeTelemetry,
  'fieldgate.events.v1': decodeEvent,
  'fieldgate.alerts.v1': decodeAlertStep,
} as const satisfies Partial<Record<LogTopic, (value: Uint8Array) => unknown>>;

/**
 * What a dead letter would be if it came now: the record for the topic where it belongs, or why there is none. A message keeps the time of its
 * arrival and the device's own time, and a letter always makes the same id, so that driving it twice makes one event.
 */
export function judgeAgain(letter: DeadLetter): NewRecord | Rejection {
  if (letter.payload.length >= KEPT_BYTES)
    return reject('not-redrivable', `only the first ${KEPT_BYTES} bytes were kept`);
  return letter.summary.origin.kind === 'mqtt' ? messageAgain(letter) : recordAgain(letter);
}

function recordAgain({ summary, payload }: DeadLetter): NewRecord | Rejection {
  const { topic } = summary.origin;
  if (!isEventTopic(topic)) return reject('not-redrivable', `records of ${topic} are not driven again`);
  const decoded = DECODERS[topic](payload);
  return isRejection(decoded) ? decoded : { topic, key: summary.deviceId, value: payload };
}

function isEventTopic(topic: string): topic is keyof typeof DECODERS {
  return Object.hasOwn(DECODERS, topic);
}

function messageAgain(letter: DeadLetter): NewRecord | Rejection {
  const { deviceId, origin } = letter.summary;
  const prefix = deviceTopicPrefix(deviceId);
  const topic = origin.topic.startsWith(prefix) ? parseUpTopic(origin.topic.slice(prefix.length)) : undefined;
  switch (topic?.kind) {
    case 'telemetry':
      return telemetryAgain(letter, topic.format);
    case 'event':
      return eventAgain(letter, topic.eventType);
    case 'response':
      return reject('not-redrivable', 'the command has gone on without this answer');
    case undefined:
      return reject('topic-unknown');
  }
}

function telemetryAgain(letter: DeadLetter, topicFormat: TelemetryFormat | undefined): NewRecord | Rejection {
  const { deviceId, gateway } = letter.summary;
  const message = messageOf(letter, topicFormat);
  if (isRejection(message)) return message;
  const value = encodeTelemetry(
    telemetryWriter(deviceId, gateway ?? ''),
    message,
    identify(message, arrivalOf(letter), () => idOf(letter)),
    arrivalOf(letter),
  );
  return { topic: 'fieldgate.telemetry.v1', key: deviceId, value };
}

/** Of an array only the element that was refused; its neighbours were taken then. */
function messageOf(
  letter: DeadLetter,
  topicFormat: TelemetryFormat | undefined,
): TelemetryMessage | Rejection {
  const { origin } = letter.summary;
  const { element, contentType } = origin.kind === 'mqtt' ? origin : {};
  const parsed = readTelemetry(letter.payload, { topicFormat, contentType }, arrivalOf(letter));
  if (isRejection(parsed)) return parsed;
  if (parsed.kind === 'one') return parsed.message;
  if (element === undefined)
    return reject('not-redrivable', 'an array that was refused as a whole would need an id for each element');
  const message = parsed.elements[element];
  if (message === undefined) return reject('payload-shape', `the array has no element ${element}`);
  return isRejection(message) || message.id === undefined
    ? message
    : { ...message, id: `${message.id}/${element}` };
}

function eventAgain(letter: DeadLetter, event: string): NewRecord | Rejection {
  if (PRESENCE_EVENTS.includes(event))
    return reject('topic-unknown', `"${event}" is told by the gateway itself`);
  const message = parseConditionEvent(letter.payload);
  if (isRejection(message)) return message;
  const { deviceId, gateway } = letter.summary;
  const value = encodeEvent(
    { ...message, deviceId, event, ...(gateway === undefined ? {} : { gatewayId: gateway }) },
    identify(message, arrivalOf(letter), () => idOf(letter)),
    arrivalOf(letter),
  );
  return { topic: 'fieldgate.events.v1', key: deviceId, value };
}

function arrivalOf({ summary: { time } }: DeadLetter): number {
  return Date.parse(time);
}

function idOf({ summary: { partition, offset } }: DeadLetter): string {
  return `redriven-${partition}-${offset}`;
}
