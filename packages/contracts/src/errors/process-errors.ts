import type { ErrorText } from './error-text.js';

/** Of whole processes: a gateway that cannot be reached, and what stands in the way of a start. */
export const PROCESS_ERRORS = {
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
