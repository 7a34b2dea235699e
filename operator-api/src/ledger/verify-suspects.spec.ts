import { encodeDeadLetter, encodeTelemetry, STORAGE_GROUP, telemetryWriter } from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HALF_HOUR, TELEMETRY, VerifiedLog, type Sent } from '../testing/verified-log.js';

let log: VerifiedLog;

beforeEach(async () => {
  log = await new VerifiedLog().start();
});

afterEach(() => log.stop());

/** Of a device without a clock. */
function arrived(id: string, afterMs: number, isStored = false): Promise<Sent> {
  log.api.clock.ms = HALF_HOUR + afterMs;
  return log.reading('pump-1', id, { timeMs: log.api.clock.ms - 1_000, isStored });
}

/** Names of another device of its partition, under their arrival. */
async function others(count: number): Promise<void> {
  const { reader } = log.api.log;
  const partition = reader.partitionOf(TELEMETRY, 'pump-1');
  const neighbours = Array.from({ length: 100 }, (_, n) => `other-${n}`);
  const beside = neighbours.find((id) => reader.partitionOf(TELEMETRY, id) === partition);
  if (beside === undefined) throw new Error('no device shares the partition');
  const writer = telemetryWriter(beside, 'gw-1');
  for (let n = 0; n < count; n++) {
    const id = `other-${n}`;
    const value = encodeTelemetry(writer, { id, readings: { speed: 3 } }, { id, timeMs: 0 }, 0);
    const written = log.append(TELEMETRY, beside, value);
    if (n % 1_000 === 0 || n === count - 1) await written;
  }
}

describe('what of that which is not in the store is missing', () => {
  it('is no copy of what storage has refused, but what was driven again and is not there', async () => {
    const refused = await arrived('m-1', 0);
    await arrived('m-1', 500);
    const writer = telemetryWriter('pump-1', 'gw-1');
    const identity = { id: 'm-1', timeMs: HALF_HOUR - 1_000 };
    const again = encodeTelemetry(writer, { readings: { temperature: 1 } }, identity, HALF_HOUR - 1_000);
    const driven = await log.append(TELEMETRY, 'pump-1', again);
    await arrived('m-2', 600);
    const letter = encodeDeadLetter({
      deviceId: 'pump-1',
      id: 'letter',
      code: 'store-refused',
      detail: 'a field has another type',
      origin: { kind: 'log', topic: TELEMETRY, ...refused.at, group: STORAGE_GROUP },
      payload: Buffer.from('x'),
      atMs: log.api.clock.ms,
    });
    await log.append('fieldgate.dead-letters.v1', 'pump-1', letter);
    await log.storageHasPassed();
    expect(await log.verified()).toMatchObject({
      checked: 4,
      refused: 2,
      duplicates: 0,
      missingTotal: 2,
      missing: [{ ...driven, id: 'm-1' }, { id: 'm-2' }],
    });
  });

  it('is no copy of what came before it, but what has a namesake behind it or under a time of its own', async () => {
    await log.reading('pump-1', 'own-time');
    await arrived('own-time', 1);
    await arrived('before', 2, true);
    const lost = await arrived('behind', 3);
    await arrived('behind', 4, true);
    await arrived('before', 5);
    await log.storageHasPassed();
    expect(await log.verified()).toMatchObject({
      checked: 6,
      stored: 3,
      duplicates: 1,
      missing: [{ id: 'own-time' }, lost.at],
    });
  });

  it.each([
    ['no copy of what storage knows by its name', 250_000, { duplicates: 1, missingTotal: 0 }],
    ['what has a namesake so far in front that storage has forgotten it', 480_000, { missingTotal: 1 }],
  ])(
    'is %s',
    async (_, between, expected) => {
      log.api.clock.ms = HALF_HOUR - 7_200_000;
      await log.reading('pump-1', 'm-1', { timeMs: log.api.clock.ms - 1_000 });
      await others(between);
      await arrived('m-1', 0);
      await log.storageHasPassed();
      expect(await log.verified()).toMatchObject({ checked: 1, ...expected });
    },
    120_000,
  );
});
