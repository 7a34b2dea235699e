import { deviceIdSchema, encodeDeadLetter, STORAGE_GROUP, type DeadLetterOrigin } from '@fieldgate/contracts';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { HALF_HOUR, sumOf, TELEMETRY, VerifiedLog } from '../testing/verified-log.js';
import { VerifyLedger } from './verify-ledger.js';

/** The answers of one verification are about one range. */
const RANGE = `?from=${HALF_HOUR - 60_000}&to=${HALF_HOUR + 60_000}`;

let log: VerifiedLog;

beforeEach(async () => {
  log = await new VerifiedLog().start();
});

afterEach(() => log.stop());

describe('the time that GET /v1/ledger/verify takes', () => {
  it('answers after a while, and says where to go on', async () => {
    for (let n = 0; n < 2_500; n++) void log.reading(`pump-${n % 5}`, `id-${n}`);
    (await log.reading('pump-1', 'last')).lose();
    await log.storageHasPassed();
    const { store, monotonic } = log.api;
    const missing = store.missing.bind(store);
    store.missing = (batch) => {
      monotonic.ms += 20_001;
      return missing(batch);
    };
    const seen = await log.verifiedInParts(RANGE);
    expect(seen.length).toBeGreaterThan(2);
    expect(['checked', 'stored', 'missingTotal'].map((name) => sumOf(seen, name))).toEqual([2_501, 2_500, 1]);
    expect(seen.flatMap((each) => each['missing'])).toMatchObject([{ id: 'last' }]);
  });

  describe('with very many dead letters to read', () => {
    const LETTERS = 'fieldgate.dead-letters.v1';
    const REFUSED_BY_GATEWAYS = 65_000;
    let lettersRead: number;

    /** As slow as a day of one noisy device. */
    beforeEach(async () => {
      (await log.reading('pump-1', 'lost')).lose();
      const refused = await log.reading('pump-1', 'refused', { isStored: false });
      const letter = (id: string, origin: DeadLetterOrigin): Uint8Array => {
        const about = { deviceId: 'pump-1', code: 'store-refused', detail: 'no', atMs: HALF_HOUR } as const;
        return encodeDeadLetter({ ...about, id, origin, payload: Buffer.from('x') });
      };
      const ofGateway = letter('g', { kind: 'mqtt', topic: 'devices/pump-1/telemetry', qos: 1 });
      for (let n = 0; n < REFUSED_BY_GATEWAYS; n++) void log.append(LETTERS, 'pump-1', ofGateway);
      const origin = { kind: 'log', topic: TELEMETRY, ...refused.at, group: STORAGE_GROUP } as const;
      await log.append(LETTERS, 'pump-1', letter('s', origin));
      for (let n = 0; n < 2_000; n++) void log.reading('pump-2', `id-${n}`);
      await log.reading('pump-2', 'last');
      await log.storageHasPassed();
      lettersRead = 0;
      const { monotonic } = log.api;
      const { reader } = log.api.log;
      const read = reader.read.bind(reader);
      reader.read = async function* (topic, range) {
        for await (const record of read(topic, range)) {
          if (topic === LETTERS) {
            lettersRead += 1;
            monotonic.ms += 0.5;
          }
          yield record;
        }
      };
    });

    it('answers after 20 s all the same, and the next call goes on reading them', async () => {
      const spent: number[] = [];
      const verify = log.api.get(VerifyLedger);
      const verifyAll = verify.verify.bind(verify);
      verify.verify = async (request, gone) => {
        const before = log.api.monotonic.ms;
        const outcome = await verifyAll(request, gone);
        spent.push(log.api.monotonic.ms - before);
        return outcome;
      };
      const answers = await log.verifiedInParts(RANGE);
      expect(Math.max(...spent)).toBeLessThan(21_000);
      expect(answers.length).toBeGreaterThan(1);
      expect(lettersRead).toBeLessThan(REFUSED_BY_GATEWAYS + 100); // each once, and some to find the first
      const sums = ['checked', 'stored', 'refused', 'missingTotal'].map((name) => sumOf(answers, name));
      expect(sums).toEqual([2_003, 2_001, 1, 1]);
      expect(answers.flatMap((each) => each['missing'])).toMatchObject([{ id: 'lost' }]);
    });

    it('ends when its client has gone', async () => {
      const gone = new AbortController();
      const { reader } = log.api.log;
      const read = reader.read.bind(reader);
      reader.read = (topic, range) => {
        if (topic === LETTERS) gone.abort();
        return read(topic, range);
      };
      const request = { device: deviceIdSchema.parse('pump-1'), limit: 1 };
      const outcome = await log.api.get(VerifyLedger).verify(request, gone.signal);
      expect(outcome).toMatchObject({ checked: 0, next: { topic: TELEMETRY, offset: 0 } });
      expect(lettersRead).toBeLessThan(REFUSED_BY_GATEWAYS);
    });
  });

  it('looks at all of the range though a clock was in the past for a while', async () => {
    const { clock } = log.api;
    for (let n = 0; n < 900; n++) {
      clock.ms += 1;
      void log.reading('pump-1', `before-${n}`);
    }
    (await log.reading('pump-1', 'lost')).lose();
    clock.ms -= 30 * 86_400_000; // it has booted, and the time is not yet set
    await Promise.all(Array.from({ length: 300 }, (_, n) => log.reading('pump-1', `meanwhile-${n}`)));
    clock.ms += 30 * 86_400_000;
    for (let n = 0; n < 900; n++) {
      clock.ms += 1;
      void log.reading('pump-1', `after-${n}`);
    }
    await log.reading('pump-1', 'last');
    await log.storageHasPassed();
    expect(await log.verified(RANGE)).toMatchObject({ checked: 1_802, missing: [{ id: 'lost' }] });
  });

  it('does two at once', async () => {
    await log.reading('pump-1', 'a');
    await log.storageHasPassed();
    const missing = log.api.store.missing.bind(log.api.store);
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    let begun = 0;
    const bothBegun = new Promise<void>((resolve) => {
      log.api.store.missing = async (batch) => {
        begun += 1;
        if (begun === 2) resolve();
        await held;
        return missing(batch);
      };
    });
    const path = 'GET /v1/ledger/verify';
    const two = [log.api.call(path), log.api.call(path)];
    await bothBegun;
    expect(await log.api.call(path)).toMatchObject({ status: 503, body: { code: 'too-many-requests' } });
    goOn();
    expect(await Promise.all(two)).toMatchObject([{ status: 200 }, { status: 200 }]);
    expect(await log.api.call(path)).toMatchObject({ status: 200 });
  });

  it('ends when its client has gone', async () => {
    const device = deviceIdSchema.parse('pump-1');
    await Promise.all(Array.from({ length: 2_500 }, (_, n) => log.reading(device, `id-${n}`)));
    await log.storageHasPassed();
    const gone = new AbortController();
    const missing = log.api.store.missing.bind(log.api.store);
    log.api.store.missing = (batch) => {
      gone.abort();
      return missing(batch);
    };
    const outcome = await log.api.get(VerifyLedger).verify({ device, limit: 1 }, gone.signal);
    expect(outcome).toMatchObject({ checked: 1_000, next: { topic: TELEMETRY } });
  });
});
