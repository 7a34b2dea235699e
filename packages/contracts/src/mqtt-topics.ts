import { isDeviceId, type DeviceId } from './device.js';
import type { TelemetryFormat } from './telemetry-formats/telemetry-format.js';
import { printable } from './telemetry/reading.js';

/*
 * The grammar of all topics that devices use:
 *
 *   topic     = "devices/" device-id "/" ( up / down )
 *   up        = "telemetry" [ "/" format ]                   ; without format: JSON, or the Content Type of MQTT 5
 *             / "events/" event-type
 *             / "responses/" command-id [ "/" status ]        ; without status: MQTT 5, status in a user property
 *   down      = "commands/" command-id "/" command-name
 *   format       = "senml" / "cbor" / "senml-cbor"
 *   device-id    = [A-Za-z0-9][A-Za-z0-9._-]{0,63}
 *   event-type   = command-name = the same
 *   command-id   = [A-Za-z0-9_-]{1,64}
 *   status       = [1-5] 2DIGIT
 */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const COMMAND_ID = /^[A-Za-z0-9_-]{1,64}$/;
const STATUS = /^[1-5][0-9]{2}$/;
const FORMATS: ReadonlyMap<string, TelemetryFormat> = new Map([
  ['senml', 'senml'],
  ['cbor', 'cbor'],
  ['senml-cbor', 'senml-cbor'],
]);

export type UpTopic =
  | { readonly kind: 'telemetry'; readonly format?: TelemetryFormat }
  | { readonly kind: 'event'; readonly eventType: string }
  | { readonly kind: 'response'; readonly commandId: string; readonly status?: number };

/** What comes after `devices/{deviceId}/`; undefined when the gateway has no use for the topic. */
export function parseUpTopic(rest: string): UpTopic | undefined {
  if (rest === 'telemetry') return { kind: 'telemetry' };
  const levels = rest.split('/');
  const [family, second = '', third] = levels;
  if (family === 'telemetry') {
    const format = levels.length === 2 ? FORMATS.get(second) : undefined;
    return format === undefined ? undefined : { kind: 'telemetry', format };
  }
  if (family === 'events' && levels.length === 2 && NAME.test(second))
    return { kind: 'event', eventType: second };
  if (family !== 'responses' || levels.length > 3 || !COMMAND_ID.test(second)) return undefined;
  if (third === undefined) return { kind: 'response', commandId: second };
  return STATUS.test(third) ? { kind: 'response', commandId: second, status: Number(third) } : undefined;
}

/** What to do about a topic that `parseUpTopic` has no use for, `rest` of it. */
export function unknownTopicDetail(deviceId: string, rest: string): string {
  const [family, second = '', third, ...more] = rest.split('/');
  if (family === 'events' && third === undefined)
    return `"${printable(second)}" is not an event type: a letter or digit, then up to 63 letters, digits or . _ -`;
  if (family === 'responses' && third !== undefined && more.length === 0 && COMMAND_ID.test(second))
    return `"${printable(third)}" is not a status: send 102, 2xx, 4xx or 5xx`;
  const formats = [...FORMATS.keys()].map((format) => `telemetry/${format}`).join(', ');
  return `the gateway has no use for this topic: below ${deviceTopicPrefix(deviceId)} publish to telemetry, ${formats}, events/{type} or responses/{commandId}`;
}

/** Splits `devices/{deviceId}/{rest}`; undefined for every other topic. */
export function splitDeviceTopic(
  topic: string,
): { readonly deviceId: DeviceId; readonly rest: string } | undefined {
  if (!topic.startsWith('devices/')) return undefined;
  const slash = topic.indexOf('/', 8);
  if (slash < 0) return undefined;
  const deviceId = topic.slice(8, slash);
  return isDeviceId(deviceId) ? { deviceId, rest: topic.slice(slash + 1) } : undefined;
}

/** `devices/{deviceId}/`: a device publishes and subscribes only below it. */
export function deviceTopicPrefix(deviceId: string): string {
  return `devices/${deviceId}/`;
}

export function commandTopic(command: { deviceId: string; id: string; name: string }): string {
  return `devices/${command.deviceId}/commands/${command.id}/${command.name}`;
}

/** The Response Topic of an MQTT 5 request. */
export function responseTopic(command: { deviceId: string; id: string }): string {
  return `devices/${command.deviceId}/responses/${command.id}`;
}

export function isCommandName(text: string): boolean {
  return NAME.test(text);
}

export function isEventType(text: string): boolean {
  return NAME.test(text);
}

/** Whether a valid MQTT topic filter matches a topic name (MQTT 5, section 4.7). */
export function filterMatches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  // [MQTT-4.7.2-1] a filter that starts with a wildcard does not match topics that start with $
  if (topic.startsWith('$') && (wanted[0] === '#' || wanted[0] === '+')) return false;
  for (let i = 0; i < wanted.length; i++) {
    if (wanted[i] === '#') return true;
    if (i >= levels.length || (wanted[i] !== '+' && wanted[i] !== levels[i])) return false;
  }
  return wanted.length === levels.length;
}
