import type { ErrorText } from './error-text.js';

/** What a device sent and will not be accepted by a resend: dead letter, then acknowledged. */
export const REFUSED_ERRORS = {
  'payload-not-utf8': {
    status: 422,
    retriable: false,
    says: 'The payload is not valid UTF-8.',
    todo: 'Send JSON encoded in UTF-8.',
  },
  'payload-not-json': {
    status: 422,
    retriable: false,
    says: 'The payload is not JSON.',
    todo: 'Send one JSON object, or an array of them.',
  },
  'payload-not-cbor': {
    status: 422,
    retriable: false,
    says: 'The payload is not CBOR, or uses parts of CBOR that are not taken.',
    todo: 'Send one value of maps with text keys, arrays, numbers, texts and booleans, without tags.',
  },
  'content-type': {
    status: 422,
    retriable: false,
    says: 'The Content Type is none that telemetry comes in, or contradicts the topic.',
    todo: 'Send one of the types in docs/device-guide.md, or none.',
  },
  'payload-shape': {
    status: 422,
    retriable: false,
    says: 'The payload is of another shape than the topic takes.',
    todo: 'Compare with the shapes in docs/device-guide.md.',
  },
  'payload-too-deep': {
    status: 422,
    retriable: false,
    says: 'Objects are nested deeper than 8 levels.',
    todo: 'Flatten the readings.',
  },
  'metric-name': {
    status: 422,
    retriable: false,
    says: 'A metric name is not allowed.',
    todo: 'Use a letter or underscore, then up to 63 letters, digits or _ . : -',
  },
  'metric-count': {
    status: 422,
    retriable: false,
    says: 'One message has more than 256 metrics.',
    todo: 'Split the message.',
  },
  'value-type': {
    status: 422,
    retriable: false,
    says: 'A reading is neither a number, a boolean nor a text.',
    todo: 'Leave the reading out instead of sending null or a list.',
  },
  'value-not-finite': {
    status: 422,
    retriable: false,
    says: 'A number is too large for a double.',
    todo: 'Send finite numbers.',
  },
  'text-too-long': {
    status: 422,
    retriable: false,
    says: 'A text reading is longer than 1,024 bytes.',
    todo: 'Shorten it.',
  },
  'array-too-long': {
    status: 422,
    retriable: false,
    says: 'One message carries more than 1,000 records.',
    todo: 'Split the array.',
  },
  'topic-unknown': {
    status: 422,
    retriable: false,
    says: 'The gateway has no use for this topic.',
    todo: 'Below devices/{its own id}/ publish to telemetry, telemetry/senml, telemetry/cbor, telemetry/senml-cbor, events/{type} or responses/{commandId}.',
  },
  'response-unknown-command': {
    status: 422,
    retriable: false,
    says: 'The answer names a command that the gateway does not know.',
    todo: 'Answer with the command id of the request.',
  },
  'response-wrong-device': {
    status: 422,
    retriable: false,
    says: 'The answer is for a command that was addressed to another device.',
    todo: 'Answer only your own commands.',
  },
  'response-shape': {
    status: 422,
    retriable: false,
    says: 'The status or the correlation data of an answer is not usable.',
    todo: 'Status 102, 2xx, 4xx or 5xx; correlation data as received.',
  },
} as const satisfies Record<string, ErrorText>;
