import { env } from '@fieldgate/service';
import { z } from 'zod';
import { notifyConfigFrom, notifyEnvironment, type NotifyConfig } from './notify/notify.config.js';

/** What the role `processors` reads from the environment beside the log and the store. */
export const processorsEnvironment = {
  FIELDGATE_RULES_FILE: env.text().optional(),
  FIELDGATE_ALERT_SETTLE_MS: env.integer(0, 3_600_000).default(30_000),
  ...notifyEnvironment,
};

export interface ProcessorsConfig extends NotifyConfig {
  /** None: no alert rules; what devices tell of themselves becomes alerts all the same. */
  readonly rulesFile: string | undefined;
  /** How long devices have to come back after a start or an outage, before their silence counts. */
  readonly alertSettleMs: number;
}

export const PROCESSORS_CONFIG = Symbol('ProcessorsConfig');

const processorsSchema = z.object(processorsEnvironment);

export function processorsConfigFrom(settings: z.output<typeof processorsSchema>): ProcessorsConfig {
  return {
    ...notifyConfigFrom(settings),
    rulesFile: settings.FIELDGATE_RULES_FILE,
    alertSettleMs: settings.FIELDGATE_ALERT_SETTLE_MS,
  };
}

/** Of a process whose environment says nothing. */
export const DEFAULT_PROCESSORS_CONFIG: ProcessorsConfig = processorsConfigFrom(processorsSchema.parse({}));
