import { resolve } from 'node:path';
import { env, type Clock, type Logger } from '@fieldgate/service';
import { z } from 'zod';
import { parseInfluxUrl } from './influx/influx-address.js';
import type { TelemetryStore } from './telemetry-store.js';

export const telemetryStoreEnvironment = {
  /** The embedded store is in `store/` below it. */
  FIELDGATE_DATA_DIR: env.text().default('./data'),
  /** Set: InfluxDB instead of the embedded store. Holds a password: never printed. */
  FIELDGATE_INFLUX_URL: env
    .text()
    .refine(
      (text) => parseInfluxUrl(text) !== undefined,
      'must be http://user:password@host:8086/database (or https; special characters percent-encoded)',
    )
    .optional(),
};

export type TelemetryStoreConfig = Readonly<z.output<z.ZodObject<typeof telemetryStoreEnvironment>>>;

/** The adapter that the settings name, not started yet. Only that one is loaded: DuckDB alone takes 20 MB. */
export async function openTelemetryStore(
  config: TelemetryStoreConfig,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<TelemetryStore> {
  if (config.FIELDGATE_INFLUX_URL !== undefined) {
    const { createInfluxStore } = await import('./influx/influx-store.js');
    return createInfluxStore({ url: config.FIELDGATE_INFLUX_URL, clock, logger });
  }
  const { createEmbeddedStore } = await import('./embedded/embedded-store.js');
  return createEmbeddedStore({ directory: resolve(config.FIELDGATE_DATA_DIR, 'store'), clock, logger });
}
