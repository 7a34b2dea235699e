import { writeSync } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { createLogger } from '@fieldgate/service';
import { openTelemetryStore } from '../telemetry-store.config.js';
import type { StoreRecord } from '../telemetry-store.js';

/**
 * A process of its own for tests, which may only write files of a limited size: writes batches until that fails, says so, waits for a line on
 * standard input (there is space again), writes the same batch until that succeeds, and says what it then finds. `[data directory]`
 */
const [, , directory = ''] = process.argv;
const BATCH = 1_000;
const T0 = 1_795_210_200_000;

const store = await openTelemetryStore(
  { FIELDGATE_DATA_DIR: directory },
  { clock: { now: () => T0 }, logger: createLogger({ level: 'silent' }) },
);
await store.start();
const say = (line: object): void => void writeSync(1, `${JSON.stringify(line)}\n`);

let batches = 0;
let error: unknown;
while ((error = await writeNext()) === undefined) batches++;
const again = await writeNext(); // still full: not worse than before
say({
  batches,
  codes: [codeOf(error), codeOf(again)],
  problem: store.problem(),
  found: await readings().catch(codeOf),
});

await once(createInterface({ input: process.stdin }), 'line');
while ((await writeNext()) !== undefined) await new Promise(setImmediate);
batches++;
say({ batches, problem: store.problem() ?? null, found: await readings() });
await store.stop();
process.exit(0);

function writeNext(): Promise<unknown> {
  const batch = Array.from({ length: BATCH }, (_, index) => record(batches * BATCH + index));
  return store.write(batch).then(
    () => undefined,
    (failure: unknown) => failure,
  );
}

/** Texts that nothing compresses. */
function record(number: number): StoreRecord {
  const timeMs = T0 + number;
  const text = Array.from({ length: 20 }, (_, part) => Math.sin(number * 20 + part).toString(36)).join('');
  return {
    kind: 'telemetry',
    record: { deviceId: 'pump', id: `id-${number}`, timeMs, receivedMs: timeMs, readings: { text } },
  };
}

async function readings(): Promise<number> {
  const downsample = { everyMs: 86_400_000, aggregate: 'count' } as const;
  const range = { fromMs: 0, toMs: T0 * 2, limit: 10_000 };
  const [series] = await store.series({ deviceId: 'pump', ...range, downsample });
  return (series?.points ?? []).reduce((sum, [, count]) => sum + Number(count), 0);
}

function codeOf(failure: unknown): unknown {
  return (failure as { code?: unknown } | undefined)?.code;
}
