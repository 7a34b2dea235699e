import type { ErrorText } from './error-text.js';

/** Who may do what on MQTT: connection refused, subscription refused or connection closed. */
export const MQTT_ERRORS = {
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
} as const satisfies Record<string, ErrorText>;
