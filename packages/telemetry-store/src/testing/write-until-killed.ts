import { writeSync } from 'node:fs';
import { createLogger } from '@fieldgate/service';
import { openTelemetryStore } from '../telemetry-store.config.js';
import type { StoreRecord } from '../telemetry-store.js';

/**
 * A process of its own for tests of crashes and locks: writes batches from the given offset on, in two partitions side by side, and says after
 * each one that it is stored. `[data directory, device, first offset]`; ends by being killed.
 */
const [directory = '', deviceId = '', first = '0'] = process.argv.slice(2);
const BATCH = 20;
const T0 = 1_795_210_200_000;

const store = await openTelemetryStore(
  { FIELDGATE_DATA_DIR: directory },
  { clock: { now: () => T0 }, logger: createLogger({ level: 'silent' }) },
);
await store.start();
writeSync(1, 'open\n');
await Promise.all([writeOn(0), writeOn(1)]);

async function writeOn(partition: number): Promise<never> {
  for (let offset = Number(first); ; offset += BATCH) {
    await store.write(Array.from({ length: BATCH }, (_, index) => record(partition, offset + index)));
    writeSync(1, `${partition} ${offset + BATCH}\n`); // stored up to here
  }
}

function record(partition: number, offset: number): StoreRecord {
  const timeMs = T0 + offset;
  return {
    kind: 'telemetry',
    record: {
      deviceId: `${deviceId}-${partition}`,
      id: `id-${offset}`,
      timeMs,
      receivedMs: timeMs,
      readings: { n: offset, on: true, text: `reading ${offset}` },
    },
  };
}
