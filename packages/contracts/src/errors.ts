/**
 * Every code that a user, an operator or a program may meet, in one place. `docs/errors.md` lists the same codes; a test
 * compares the two. A code never changes its meaning; `status` is the HTTP status where the code can leave over HTTP.
 */
export const ERRORS = {
  // What a device sent and will not be accepted by a resend: dead letter, then acknowledged.
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
  // Who may do what on MQTT: connection refused, subscription refused or connection closed.
  'device-unknown': {
    status: 401,
    retriable: false,
    says: 'No device of this name is registered.',
    todo: 'Register it with POST /v1/devices.',
  },
  'device-secret-wrong': {
    status: 401,
    retriable: false,
    says: 'The secret does not belong to this device.',
    todo: 'Check the password, or set a new secret with POST /v1/devices/{id}/secret.',
  },
  'client-id-mismatch': {
    status: 401,
    retriable: false,
    says: 'The MQTT client id is not the device id.',
    todo: 'Use the device id as client id, or leave the client id empty.',
  },
  'authentication-method': {
    status: 401,
    retriable: false,
    says: 'The CONNECT asks for enhanced authentication, which is not served.',
    todo: 'Leave the Authentication Method out; log in with user name and password.',
  },
  'will-elsewhere': {
    status: 403,
    retriable: false,
    says: "The will is addressed outside the device's own topics.",
    todo: 'Address the will below devices/{its own id}/.',
  },
  'will-too-large': {
    status: 422,
    retriable: false,
    says: "The will's payload is larger than 4,096 bytes.",
    todo: 'Shorten it.',
  },
  'topic-forbidden': {
    status: 403,
    retriable: false,
    says: "The topic is not the device's own.",
    todo: 'Publish and subscribe only below devices/{its own id}/.',
  },
  'shared-subscription': {
    status: 403,
    retriable: false,
    says: 'Shared subscriptions are not served.',
    todo: 'Subscribe to devices/{its own id}/commands/# itself.',
  },
  'too-many-subscriptions': {
    status: 403,
    retriable: false,
    says: 'A device has more than 100 subscriptions, or filters of more than 16,384 characters in all.',
    todo: 'Subscribe to devices/{its own id}/commands/#, which is all that a device needs.',
  },
  // The log.
  'log-unavailable': {
    status: 503,
    retriable: true,
    says: 'The log does not answer.',
    todo: 'Nothing was acknowledged; try again later. Check /readyz and the broker or the disk.',
  },
  'record-refused': {
    status: 422,
    retriable: false,
    says: 'The log refused this one record.',
    todo: 'The message is too large for the log; make it smaller or raise the limit.',
  },
  'log-misconfigured': {
    status: 500,
    retriable: false,
    says: 'A topic of the log is not as Fieldgate needs it.',
    todo: 'Create or alter the topic as the message says.',
  },
  'record-unreadable': {
    status: 500,
    retriable: false,
    says: 'A record in the log is not one of ours.',
    todo: 'Look at the dead letter; find out what else writes to the topic.',
  },
  // The spool of a gateway: what the log cannot take waits there.
  'spool-unusable': {
    status: 500,
    retriable: false,
    says: 'The directory of the spool cannot be used.',
    todo: 'Make it a writable directory that no other process uses; the message says what is wrong with it.',
  },
  'spool-unwritable': {
    status: 503,
    retriable: true,
    says: 'The spool cannot be written.',
    todo: 'Nothing was acknowledged; free the disk, or mount it writable. It goes on by itself.',
  },
  'spool-unreadable': {
    status: 503,
    retriable: true,
    says: 'A file of the spool cannot be read.',
    todo: 'Check the disk. Its records stay where they are, and the next try may succeed.',
  },
  // The telemetry store.
  'store-unavailable': {
    status: 503,
    retriable: true,
    says: 'The telemetry store does not answer.',
    todo: 'Records wait in the log. Check /readyz and the store.',
  },
  'store-refused': {
    status: 422,
    retriable: false,
    says: 'The telemetry store refused this one point.',
    todo: 'Look at the dead letter; it holds the reason of the store.',
  },
  // Operators over HTTP.
  unauthorized: {
    status: 401,
    retriable: false,
    says: 'The API key is missing or wrong.',
    todo: 'Send Authorization: Bearer <api key>.',
  },
  'invalid-request': {
    status: 422,
    retriable: false,
    says: 'The request is not as the API takes it.',
    todo: 'See the list of issues in the answer.',
  },
  'request-too-large': {
    status: 413,
    retriable: false,
    says: 'The request body is too large.',
    todo: 'Send at most 1 MiB and 1,000 devices.',
  },
  'not-found': {
    status: 404,
    retriable: false,
    says: 'There is nothing at this address.',
    todo: 'See docs/http-api.md.',
  },
  'device-not-found': {
    status: 404,
    retriable: false,
    says: 'No device of this id is registered.',
    todo: 'Register it with POST /v1/devices.',
  },
  'device-exists': {
    status: 409,
    retriable: false,
    says: 'A device of this id is registered already.',
    todo: 'Choose another id, or PATCH the device.',
  },
  'device-offline': {
    status: 409,
    retriable: false,
    says: 'The device cannot take a command now, and an interactive command does not wait.',
    todo: 'Try again when the device is connected and subscribed to devices/{id}/commands/#.',
  },
  'command-not-found': {
    status: 404,
    retriable: false,
    says: 'No command of this id is known.',
    todo: 'List them with GET /v1/commands.',
  },
  'command-finished': {
    status: 409,
    retriable: false,
    says: 'The command has its final state already.',
    todo: 'Read the command.',
  },
  'idempotency-conflict': {
    status: 409,
    retriable: false,
    says: 'This Idempotency-Key was used with another body.',
    todo: 'Use a new key for a new command.',
  },
  'alert-not-found': {
    status: 404,
    retriable: false,
    says: 'No alert of this id is known.',
    todo: 'List them with GET /v1/alerts.',
  },
  'alert-cleared': {
    status: 409,
    retriable: false,
    says: 'The alert has been cleared already.',
    todo: 'Nothing is left to acknowledge.',
  },
  'rules-invalid': {
    status: 422,
    retriable: false,
    says: 'The alert rules are not usable.',
    todo: 'Correct what the message names; docs/alerts.md has the format. The last good rules stay in force.',
  },
  'not-redrivable': {
    status: 409,
    retriable: false,
    says: 'This dead letter cannot be driven again.',
    todo: 'Read the detail; what came whole and is refused again stays here.',
  },
  'notification-failed': {
    status: 502,
    retriable: false,
    says: 'A notification could not be delivered and is given up.',
    todo: 'Look at the detail, mend the receiver, and redrive the dead letter.',
  },
  'address-forbidden': {
    status: 422,
    retriable: false,
    says: 'A webhook points at a private address.',
    todo: 'Use a public address, or set allowPrivate: true for this webhook in the rules file.',
  },
  'too-many-requests': {
    status: 503,
    retriable: true,
    says: 'Too many requests wait already.',
    todo: 'Try again a little later.',
  },
  'not-ready': {
    status: 503,
    retriable: true,
    says: 'This process has not caught up with the log yet.',
    todo: 'Try again when /readyz answers 200.',
  },
  'internal-error': {
    status: 500,
    retriable: false,
    says: 'Fieldgate failed at this request.',
    todo: 'Look for the request id in the log of the process and report it.',
  },
  // Clients of our own: simulator and command line.
  'gateway-unreachable': {
    status: 503,
    retriable: true,
    says: 'The gateway does not answer.',
    todo: 'Start it (npm start), or correct the address; see /readyz.',
  },
  // The start.
  'config-invalid': {
    status: 500,
    retriable: false,
    says: 'A setting is missing or invalid.',
    todo: 'Correct the variable that the message names; docs/configuration.md lists them.',
  },
  'data-dir-unusable': {
    status: 500,
    retriable: false,
    says: 'The data directory cannot be used.',
    todo: 'Make FIELDGATE_DATA_DIR a writable directory that no other process uses.',
  },
  'data-damaged': {
    status: 500,
    retriable: false,
    says: 'A file in the data directory is damaged.',
    todo: 'Restore the backup, or move the directory away to start empty.',
  },
  'port-taken': {
    status: 500,
    retriable: false,
    says: 'A port that Fieldgate should listen on is taken.',
    todo: 'Stop the other program or choose another port.',
  },
} as const satisfies Record<string, ErrorText>;

interface ErrorText {
  readonly status: number;
  readonly retriable: boolean;
  readonly says: string;
  readonly todo: string;
}

export type ErrorCode = keyof typeof ERRORS;

/** A broken world: thrown. Decide by `retriable` and `code`, never by the text. */
export class FieldgateError extends Error {
  readonly retriable: boolean;

  constructor(
    readonly code: ErrorCode,
    detail?: string,
    options?: ErrorOptions,
  ) {
    super(detail ?? ERRORS[code].says, options);
    this.name = 'FieldgateError';
    this.retriable = ERRORS[code].retriable;
  }
}

/** A bad message is data: returned, never thrown. A resend of the same bytes would be refused again. */
export interface Rejection {
  readonly kind: 'rejection';
  readonly code: ErrorCode;
  /** One sentence for the person who has to mend it; names the place, never holds the payload. */
  readonly detail: string;
}

export function reject(code: ErrorCode, detail: string = ERRORS[code].says): Rejection {
  return { kind: 'rejection', code, detail };
}

export function isRejection(value: unknown): value is Rejection {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'rejection';
}
