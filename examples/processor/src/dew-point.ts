import {
  encodeTelemetry,
  telemetryWriter,
  type ConsumerGroup,
  type TelemetryRecord,
} from '@fieldgate/contracts';
import type { NewRecord } from '@fieldgate/commit-log';

/**
 * The dew point as one more reading of the same device at the same time; undefined for a record without both readings, which is also what
 * our own look like when they come back. Made of its source alone, so that the same source always gives the same record.
 */
export function dewPointOf(source: TelemetryRecord, by: ConsumerGroup): NewRecord | undefined {
  const { temperature, humidity } = source.readings;
  if (typeof temperature !== 'number' || typeof humidity !== 'number') return undefined;
  if (temperature < -45 || temperature > 60 || humidity <= 0 || humidity > 100) return undefined; // where the formula holds
  const { deviceId, timeMs, receivedMs, seq } = source;
  const id = `dew-point.${source.id}`;
  const message = {
    readings: { dew_point: magnus(temperature, humidity) },
    id,
    ...(seq !== undefined && { seq }), // where there is one, it tells readings of one millisecond apart in InfluxDB
  };
  return {
    topic: 'fieldgate.telemetry.v1',
    key: deviceId,
    value: encodeTelemetry(telemetryWriter(deviceId, by), message, { id, timeMs }, receivedMs),
  };
}

/** °C from °C and % relative humidity (Magnus formula, coefficients of Sonntag 1990), to a tenth. */
function magnus(temperature: number, humidity: number): number {
  const gamma = Math.log(humidity / 100) + (17.62 * temperature) / (243.12 + temperature);
  return Math.round((2431.2 * gamma) / (17.62 - gamma)) / 10;
}
