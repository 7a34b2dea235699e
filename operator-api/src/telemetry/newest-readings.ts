import type { DeviceRecord } from '@fieldgate/contracts';
import type { LatestReading, TelemetryStore } from '@fieldgate/telemetry-store';

/**
 * The newest reading of each metric since the device was registered. The store knows ids only: what an earlier device of the same id has
 * reported is still there, and is not this one's.
 */
export async function newestReadings(
  store: TelemetryStore,
  { id, createdAt }: DeviceRecord,
): Promise<readonly LatestReading[]> {
  const latest = await store.latest(id);
  return latest.filter(({ timeMs }) => timeMs >= createdAt);
}
