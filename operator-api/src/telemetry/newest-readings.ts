import type { DeviceRecord } from '@fieldgate/contracts';
import type { LatestReading, TelemetryStore } from '@fieldgate/telemetry-store';

/** `timeMs` is the device's clock and `createdAt` ours: a clock that runs in a wrong time zone must not hide what the device reports. */
const CLOCK_TOLERANCE_MS = 86_400_000;

/**
 * The newest reading of each metric, but those from a day and more before the device was registered. The store knows ids only: what an
 * earlier device of the same id has reported is still there, and is not this one's.
 */
export async function newestReadings(
  store: TelemetryStore,
  { id, createdAt }: DeviceRecord,
): Promise<readonly LatestReading[]> {
  const latest = await store.latest(id);
  return latest.filter(({ timeMs }) => timeMs >= createdAt - CLOCK_TOLERANCE_MS);
}
