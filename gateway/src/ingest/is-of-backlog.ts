import { isRejection, parseConditionEvent, parseUpTopic, readTelemetry } from '@fieldgate/contracts';
import type { InboundPublish } from './publish.js';

/** So old is a reading that its device did not send when it was made. */
const OLD_MS = 60_000;

/**
 * Whether a message tells of the past, as its device says: the reading, or the first of an array, is more than a minute old. Reads the whole message:
 * not for each one.
 */
export function isOfBacklog(publish: InboundPublish, topicPrefix: string, nowMs: number): boolean {
  const ts = timeOf(publish, topicPrefix, nowMs);
  return ts !== undefined && nowMs - ts > OLD_MS;
}

function timeOf(publish: InboundPublish, topicPrefix: string, nowMs: number): number | undefined {
  const { topic, payload, contentType } = publish;
  if (!topic.startsWith(topicPrefix)) return undefined;
  const up = parseUpTopic(topic.slice(topicPrefix.length));
  if (up?.kind === 'event') {
    const event = parseConditionEvent(payload);
    return isRejection(event) ? undefined : event.ts;
  }
  if (up?.kind !== 'telemetry') return undefined;
  const telemetry = readTelemetry(payload, { topicFormat: up.format, contentType }, nowMs);
  if (isRejection(telemetry)) return undefined;
  const first = telemetry.kind === 'one' ? telemetry.message : telemetry.elements[0];
  return first === undefined || isRejection(first) ? undefined : first.ts;
}
