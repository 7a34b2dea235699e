import {
  decodeAlertStep,
  decodeEvent,
  decodeTelemetry,
  detailOfElements,
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
  STORAGE_GROUP,
  telemetryWriter,
  withoutConnection,
  type LogTopic,
  type Rejection,
  type TelemetryFormat,
  type TelemetryMessage,
} from '@fieldgate/contracts';
import type { DeadLetter } from './read-dead-letters.js';

/** Whoever writes a dead letter keeps no more of the bytes; what is as long was cut. */
const KEPT_BYTES = 512 * 1024;

/** Event topics a record may go back to: in a table it would undo what came after it, and a command's time is over. */
const DECODERS = {
  'fieldgate.telemetry.v1': decodeTelemetry,
  'fieldgate.events.v1': decodeEvent,
  'fieldgate.alerts.v1': decodeAlertStep,
} as const satisfies Partial<Record<LogTopic, (value: Uint8Array) => unknown>>;

/** Records of the device, in the order of the letter. */
export interface RecordsAgain {
  readonly topic: LogTopic;
  readonly values: readonly Uint8Array[];
}

/**
 * What a dead letter would be if it came now: the records for the topic where it belongs, several of elements of an array, or why there is none.
 * A message keeps the time of its arrival and the device's own time, and a letter always makes the same ids, so that driving it twice makes one
 * event of each.
 */
export function judgeAgain(letter: DeadLetter): RecordsAgain | Rejection {
  if (letter.payload.length >= KEPT_BYTES)
    return reject('not-redrivable', `only the first ${KEPT_BYTES} bytes were kept`);
  return letter.summary.origin.kind === 'mqtt' ? messageAgain(letter) : recordAgain(letter);
}

function recordAgain({ summary, payload }: DeadLetter): RecordsAgain | Rejection {
  const { topic } = summary.origin;
  if (!isEventTopic(topic)) return reject('not-redrivable', `records of ${topic} are not driven again`);
  const decoded = DECODERS[topic](payload);
  if (isRejection(decoded)) return decoded;
  return { topic, values: [wasNowhere(summary) ? withoutConnection(payload) : payload] };
}

/** The ledger has found it over its connection once, and would take it for a copy of that. */
function wasNowhere({ origin }: DeadLetter['summary']): boolean {
  return origin.kind === 'spool' || (origin.kind === 'log' && origin.group === STORAGE_GROUP);
}

function isEventTopic(topic: string): topic is keyof typeof DECODERS {
  return Object.hasOwn(DECODERS, topic);
}

function messageAgain(letter: DeadLetter): RecordsAgain | Rejection {
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

function telemetryAgain(
  letter: DeadLetter,
  topicFormat: TelemetryFormat | undefined,
): RecordsAgain | Rejection {
  const { deviceId, gateway } = letter.summary;
  const messages = messagesOf(letter, topicFormat);
  if (isRejection(messages)) return messages;
  const writer = telemetryWriter(deviceId, gateway ?? '');
  const atMs = arrivalOf(letter);
  const values = messages.map(({ message, id }) =>
    encodeTelemetry(
      writer,
      message,
      identify(message, atMs, () => id),
      atMs,
    ),
  );
  return { topic: 'fieldgate.telemetry.v1', values };
}

/** A message, and the id that it gets when it has nothing of its own to be known by. */
interface MessageAgain {
  readonly message: TelemetryMessage;
  readonly id: string;
}

function messagesOf(
  letter: DeadLetter,
  topicFormat: TelemetryFormat | undefined,
): readonly MessageAgain[] | Rejection {
  const { origin } = letter.summary;
  const { elements, contentType } = origin.kind === 'mqtt' ? origin : {};
  const parsed = readTelemetry(letter.payload, { topicFormat, contentType }, arrivalOf(letter));
  if (isRejection(parsed)) return parsed;
  if (parsed.kind === 'one') return [{ message: parsed.message, id: idOf(letter) }];
  if (elements === undefined)
    return reject('not-redrivable', 'an array that was refused as a whole would need an id for each element');
  return elementsOf(parsed.elements, elements, idOf(letter));
}

/** Of an array only the elements that were refused, all of them or none; their neighbours were taken then. */
function elementsOf(
  parsed: readonly (TelemetryMessage | Rejection)[],
  elements: readonly number[],
  letterId: string,
): readonly MessageAgain[] | Rejection {
  const messages: MessageAgain[] = [];
  const refused: number[] = [];
  let first: Rejection | undefined;
  for (const element of elements) {
    const message = parsed[element] ?? reject('payload-shape', 'the array has no such element');
    if (isRejection(message)) {
      first ??= message;
      refused.push(element);
      continue;
    }
    const { id } = message;
    messages.push({
      message: id === undefined ? message : { ...message, id: `${id}/${element}` },
      id: `${letterId}/${element}`,
    });
  }
  return first === undefined ? messages : reject(first.code, detailOfElements(first.detail, refused));
}

function eventAgain(letter: DeadLetter, event: string): RecordsAgain | Rejection {
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
  return { topic: 'fieldgate.events.v1', values: [value] };
}

function arrivalOf({ summary: { time } }: DeadLetter): number {
  return Date.parse(time);
}

function idOf({ summary: { partition, offset } }: DeadLetter): string {
  return `redriven-${partition}-${offset}`;
}
