import { isRejection, reject, type Rejection } from '../errors.js';
import { parseTelemetry, telemetryPayload, type TelemetryPayload } from '../telemetry/parse-telemetry.js';
import { plainCborValue } from './cbor-value.js';
import { readSenmlCbor } from './read-senml-cbor.js';
import { readSenmlJson } from './read-senml-json.js';

/** Times that are relative count from `nowMs`, the arrival. Never throws, whatever the bytes are. */
export type TelemetryReader = (payload: Uint8Array, nowMs: number) => TelemetryPayload | Rejection;

/** All but `json` are also the level below `telemetry` in a topic. */
export const TELEMETRY_FORMATS = {
  json: { contentType: 'application/json', read: parseTelemetry },
  senml: { contentType: 'application/senml+json', read: readSenmlJson },
  cbor: { contentType: 'application/cbor', read: readCbor },
  'senml-cbor': { contentType: 'application/senml+cbor', read: readSenmlCbor },
} as const satisfies Record<string, { readonly contentType: string; readonly read: TelemetryReader }>;

export type TelemetryFormat = keyof typeof TELEMETRY_FORMATS;

/** What a PUBLISH says about its payload: the level in its topic, the Content Type of MQTT 5, or neither. */
export interface StatedFormat {
  readonly topicFormat?: TelemetryFormat | undefined;
  readonly contentType?: string | undefined;
}

/** The payload in the format that its PUBLISH states; JSON when it states none. */
export function readTelemetry(
  payload: Uint8Array,
  stated: StatedFormat,
  nowMs: number,
): TelemetryPayload | Rejection {
  const format = telemetryFormat(stated);
  return isRejection(format) ? format : TELEMETRY_FORMATS[format].read(payload, nowMs);
}

export function telemetryFormat({ topicFormat, contentType }: StatedFormat): TelemetryFormat | Rejection {
  if (contentType === undefined) return topicFormat ?? 'json';
  const stated = formatOf(contentType);
  if (stated === undefined) {
    const known = Object.values(TELEMETRY_FORMATS).map((format) => format.contentType);
    return reject('content-type', `the Content Type is none of ${known.join(', ')}`);
  }
  if (topicFormat === undefined || topicFormat === stated) return stated;
  return reject('content-type', `the Content Type says ${stated}, and the topic says ${topicFormat}`);
}

/** Media types ignore case, and may have parameters (RFC 9110, section 8.3.1): `application/json; charset=utf-8`. */
function formatOf(contentType: string): TelemetryFormat | undefined {
  const [type = ''] = contentType.split(';', 1);
  const bare = type.trim().toLowerCase();
  const formats = Object.keys(TELEMETRY_FORMATS) as TelemetryFormat[]; // the keys of the table
  return formats.find((format) => TELEMETRY_FORMATS[format].contentType === bare);
}

/** The shapes of JSON in CBOR. */
function readCbor(payload: Uint8Array): TelemetryPayload | Rejection {
  const decoded = plainCborValue(payload);
  return isRejection(decoded) ? decoded : telemetryPayload(decoded.value);
}
