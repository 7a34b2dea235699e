import { commitLogEnvironment } from '@fieldgate/commit-log';
import { gatewayEnvironment } from '@fieldgate/gateway';
import { operatorApiEnvironment } from '@fieldgate/operator-api';
import { processorsEnvironment } from '@fieldgate/processors';
import { readEnvironment, serviceEnvironment, type Environment } from '@fieldgate/service';
import { telemetryStoreEnvironment } from '@fieldgate/telemetry-store';
import { z } from 'zod';

/** Every variable that Fieldgate reads; `.env.example` and `docs/configuration.md` list the same (a test compares). */
export const settingsSchema = z.object({
  ...serviceEnvironment,
  ...commitLogEnvironment,
  ...telemetryStoreEnvironment,
  ...gatewayEnvironment,
  ...processorsEnvironment,
  ...operatorApiEnvironment,
});

export type Settings = z.output<typeof settingsSchema>;

export function readSettings(environment: Environment): Settings {
  return readEnvironment(settingsSchema, environment);
}

/** Variables that look like ours and are none: mostly a slip of the pen. */
export function unknownSettings(environment: Environment): string[] {
  return Object.keys(environment).filter(
    (name) => name.startsWith('FIELDGATE_') && !(name in settingsSchema.shape),
  );
}
