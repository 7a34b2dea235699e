import type { ErrorText } from './error-text.js';

/** Of the log, of the spool in front of it and of the store behind it. */
export const LOG_ERRORS = {
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
} as const satisfies Record<string, ErrorText>;
