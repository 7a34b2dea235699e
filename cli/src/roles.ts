import { FieldgateError } from '@fieldgate/contracts';

export const ROLES = ['gateway', 'processors', 'operator-api'] as const;
export type Role = (typeof ROLES)[number];

/** What the adapters allow: an embedded log or store belongs to one process, so every role that needs it must be in that process. */
export function checkRoles(
  roles: readonly Role[],
  adapters: { readonly kafka: boolean; readonly influx: boolean },
): void {
  if (!adapters.kafka && roles.length < ROLES.length) {
    throw new FieldgateError(
      'config-invalid',
      `FIELDGATE_KAFKA_BROKERS: must be set to run ${roles.join(' and ')} alone; the embedded log is for all roles in one process (fieldgate start)`,
    );
  }
  const shared = roles.includes('processors') !== roles.includes('operator-api');
  if (!adapters.influx && shared) {
    throw new FieldgateError(
      'config-invalid',
      `FIELDGATE_INFLUX_URL: must be set when processors and operator-api are in different processes; the embedded store is for one process`,
    );
  }
}
