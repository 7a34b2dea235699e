import type { ErrorText } from './error-text.js';

/** Of operators over HTTP. */
export const OPERATOR_ERRORS = {
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
} as const satisfies Record<string, ErrorText>;
