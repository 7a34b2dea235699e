import {
  commandBodySchema,
  conditionPayloadSchema,
  messageIdentitySchema,
  senmlPackSchema,
  TELEMETRY_FORMATS,
  telemetryPayloadSchema,
} from '@fieldgate/contracts';
import { z } from 'zod';

export interface DeviceChannel {
  readonly id: string;
  /** With parameters in braces. */
  readonly address: string;
  readonly summary: string;
  /** As this application sees it: `receive` is from a device. */
  readonly action: 'send' | 'receive';
  readonly payload: z.ZodType;
  /** JSON when left out. */
  readonly contentType?: string;
  /** User-visible properties of MQTT 5. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** What a device answers with is kept as JSON where it is JSON, else as text, else as base64. */
const anyPayload = z
  .unknown()
  .describe(`At most 64 KiB; kept as ${commandBodySchema.options.length} kinds: none, JSON, text or base64`);

const CONTENT_TYPES = Object.values(TELEMETRY_FORMATS).map(({ contentType }) => contentType);

/** Every topic of the grammar in packages/contracts/src/mqtt-topics.ts. */
export const DEVICE_CHANNELS: readonly DeviceChannel[] = [
  {
    id: 'telemetry',
    address: 'devices/{deviceId}/telemetry',
    summary: 'Readings of a device',
    action: 'receive',
    payload: telemetryPayloadSchema,
    properties: {
      'Content Type': `${CONTENT_TYPES.join(', ')}; without one, and before MQTT 5, it is JSON`,
    },
  },
  {
    id: 'telemetrySenml',
    address: 'devices/{deviceId}/telemetry/senml',
    summary: 'Readings of a device in SenML, JSON representation (RFC 8428)',
    action: 'receive',
    contentType: TELEMETRY_FORMATS.senml.contentType,
    payload: senmlPackSchema,
  },
  {
    id: 'telemetryCbor',
    address: 'devices/{deviceId}/telemetry/cbor',
    summary: 'Readings of a device in CBOR (RFC 8949), of the same shapes as in JSON',
    action: 'receive',
    contentType: TELEMETRY_FORMATS.cbor.contentType,
    payload: telemetryPayloadSchema,
  },
  {
    id: 'telemetrySenmlCbor',
    address: 'devices/{deviceId}/telemetry/senml-cbor',
    summary: 'Readings of a device in SenML, CBOR representation (RFC 8428, section 6: labels are integers)',
    action: 'receive',
    contentType: TELEMETRY_FORMATS['senml-cbor'].contentType,
    payload: senmlPackSchema,
  },
  {
    id: 'conditionEvents',
    address: 'devices/{deviceId}/events/{eventType}',
    summary: 'A condition of a device was raised, cleared, or is worth telling',
    action: 'receive',
    payload: conditionPayloadSchema.extend(messageIdentitySchema.shape),
  },
  {
    id: 'commands',
    address: 'devices/{deviceId}/commands/{commandId}/{commandName}',
    summary: 'A command for a device, which subscribes devices/{deviceId}/commands/#',
    action: 'send',
    payload: z.unknown().describe('The params of the command as JSON'),
    properties: {
      'Response Topic': 'devices/{deviceId}/responses/{commandId}',
      'Correlation Data': 'the command id in ASCII',
      'Message Expiry Interval': 'what is left of the life of the command, in seconds',
    },
  },
  {
    id: 'responsesWithStatus',
    address: 'devices/{deviceId}/responses/{commandId}/{status}',
    summary: 'The answer to a command: 102 still working, 2xx done, 4xx refused, 5xx failed',
    action: 'receive',
    payload: anyPayload,
  },
  {
    id: 'responses',
    address: 'devices/{deviceId}/responses/{commandId}',
    summary: 'The answer to a command, MQTT 5',
    action: 'receive',
    payload: anyPayload,
    properties: {
      'Correlation Data': 'as it came with the command',
      'User Property status': '102, 2xx, 4xx or 5xx; without it 200',
    },
  },
];

/** Of the parameters in the addresses above. */
export const PARAMETERS: Readonly<Record<string, string>> = {
  deviceId: 'The id of the device, which is also its MQTT user name and client id',
  eventType: 'A letter or digit, then up to 63 letters, digits or . _ -',
  commandId: 'Up to 64 letters, digits, _ or -',
  commandName: 'A letter or digit, then up to 63 letters, digits or . _ -',
  status: 'Three digits',
};
