import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HALF_HOUR, TELEMETRY, VerifiedLog } from '../testing/verified-log.js';

let log: VerifiedLog;

beforeEach(async () => {
  log = await new VerifiedLog().start();
});

afterEach(() => log.stop());

/** As when there was no room for the others. */
function keepOnly(from: number): void {
  const { reader } = log.api.log;
  const bounds = reader.bounds.bind(reader);
  reader.bounds = async (topic) => {
    const all = await bounds(topic);
    return topic === TELEMETRY
      ? all.map(({ partition, end }) => ({ partition, earliest: Math.min(from, end), end }))
      : all;
  };
}

describe('GET /v1/ledger/verify of a log that has dropped readings', () => {
  const from = (ms: number): string => `?from=${new Date(ms).toISOString()}`;

  beforeEach(async () => {
    await log.reading('pump-1', 'a');
    log.api.clock.ms += 60_000;
    await log.reading('pump-1', 'b');
    await log.storageHasPassed();
  });

  it('says from when on it has all of them, when that is later than was asked for', async () => {
    expect(await log.verified()).not.toHaveProperty('readingsFrom');
    keepOnly(1);
    const begin = HALF_HOUR + 60_000;
    const readingsFrom = new Date(begin).toISOString();
    expect(await log.verified()).toMatchObject({ checked: 1, stored: 1, readingsFrom });
    expect(await log.verified(from(begin - 1))).toMatchObject({ readingsFrom });
    expect(await log.verified(from(begin))).not.toHaveProperty('readingsFrom');
    expect(await log.verified('?start=events-0-0')).not.toHaveProperty('readingsFrom');
  });

  it('has nothing to say of the last days when none came in them', async () => {
    keepOnly(2);
    expect(await log.verified()).not.toHaveProperty('readingsFrom');
    const week = 7 * 86_400_000;
    const now = log.api.clock.ms;
    expect(await log.verified(from(now - week - 1))).toMatchObject({
      readingsFrom: new Date(now - week).toISOString(),
    });
  });
});
