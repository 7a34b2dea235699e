import { describe, expect, it } from '@jest/globals';
import { checkDelivery, type Checking } from './check-delivery.js';
import { DeliveryLedger } from './delivery-ledger.js';
import { deliveryReport, isGood, reportText, StoredNumbers } from './delivery-report.js';

/** Ten messages: 9 is refused, 10 never answered. */
function tenMessages(): DeliveryLedger {
  const ledger = new DeliveryLedger();
  for (let index = 0; index < 10; index++) ledger.send(1_000 + index);
  for (let number = 1; number <= 8; number++) ledger.acknowledge(number);
  ledger.refuse(9);
  return ledger;
}

function delivered(
  numbers: readonly unknown[],
  ledger = tenMessages(),
): ReturnType<StoredNumbers['delivery']> {
  const stored = new StoredNumbers('sim-001', ledger);
  for (const number of numbers) stored.add(number);
  return stored.delivery();
}

const EIGHT = [1, 2, 3, 4, 5, 6, 7, 8];

describe('DeliveryLedger', () => {
  it('counts what became of every message', () => {
    const ledger = tenMessages();
    expect(ledger).toMatchObject({
      sent: 10,
      acknowledged: 8,
      refused: 1,
      inFlight: 1,
      firstSentMs: 1_000,
      lastSentMs: 1_009,
    });
    expect([8, 9, 10, 11, 0].map((number) => ledger.wasAcknowledged(number))).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });

  it('counts nothing twice: a resend is acknowledged again', () => {
    const ledger = tenMessages();
    ledger.acknowledge(1);
    ledger.refuse(1);
    expect(ledger).toMatchObject({ acknowledged: 8, refused: 1, inFlight: 1 });
  });
});

describe('the report', () => {
  it('is good when everything acknowledged is stored once, in any order', () => {
    const report = deliveryReport([delivered([...EIGHT].reverse())]);
    expect(report).toMatchObject({
      verdict: 'delivered',
      counts: {
        sent: 10,
        acknowledged: 8,
        refused: 1,
        unacknowledged: 1,
        stored: 8,
        missing: 0,
        duplicated: 0,
      },
      examples: [],
    });
    expect(isGood(report)).toBe(true);
  });

  it('does not mind that an unacknowledged message was stored: nothing was promised', () => {
    expect(deliveryReport([delivered([...EIGHT, 10])])).toMatchObject({
      verdict: 'delivered',
      counts: { stored: 9 },
    });
  });

  it('names what is missing', () => {
    const report = deliveryReport([delivered([1, 2, 4, 5, 6, 8]), delivered(EIGHT)]);
    expect(report).toMatchObject({
      verdict: 'lost',
      devices: 2,
      counts: { missing: 2, stored: 14, acknowledged: 16 },
      examples: [{ deviceId: 'sim-001', missingNumbers: [3, 7] }],
    });
    expect(isGood(report)).toBe(false);
    expect(reportText(report)).toContain('missing of sim-001: n = 3, 7');
  });

  it('counts every further copy', () => {
    const report = deliveryReport([delivered([...EIGHT, 3, 3, 5])]);
    expect(report).toMatchObject({ verdict: 'duplicated', counts: { duplicated: 3, stored: 8 } });
    expect(isGood(report)).toBe(false);
  });

  it.each([11, 0, -1, 1.5, '3', null, Number.NaN])(
    'is wary of a stored %p that was never sent',
    (stranger) => {
      expect(deliveryReport([delivered([...EIGHT, stranger])])).toMatchObject({
        verdict: 'unexpected',
        counts: { unexpected: 1 },
      });
    },
  );

  it('is not good when nothing was acknowledged', () => {
    expect(deliveryReport([delivered([], new DeliveryLedger())])).toMatchObject({
      verdict: 'nothing-acknowledged',
    });
    expect(isGood(deliveryReport([]))).toBe(false);
  });

  it('holds a long run', () => {
    const ledger = new DeliveryLedger();
    for (let index = 0; index < 100_000; index++) ledger.acknowledge(ledger.send(index));
    const all = Array.from({ length: 100_000 }, (_, index) => index + 1);
    expect(delivered(all, ledger).counts).toMatchObject({ stored: 100_000, missing: 0, duplicated: 0 });
    expect(delivered(all.slice(1), ledger).missingNumbers).toEqual([1]);
  });

  it('is readable', () => {
    const text = reportText(deliveryReport([delivered(EIGHT)]));
    expect(text).toMatch(/acknowledged +8\n/);
    expect(text).toContain('Result: every acknowledged message is in the store, and none is there twice.');
  });
});

describe('checkDelivery', () => {
  /** A store that shows one more message each time it is asked, up to `most`; a clock that moves only while it is waited. */
  function growingStore(most: number): Checking & { readonly asked: () => number } {
    let asked = 0;
    let now = 0;
    return {
      asked: () => asked,
      values: async function* (_deviceId, fromMs, toMs) {
        expect([fromMs, toMs]).toEqual([1_000, 1_010]);
        yield* EIGHT.slice(0, Math.min(most, 4 + asked++));
      },
      settleMs: 5_000,
      pause: (ms) => {
        now += ms;
        return Promise.resolve();
      },
      now: () => now,
    };
  }
  const device = (): { deviceId: string; ledger: DeliveryLedger } => ({
    deviceId: 'sim-001',
    ledger: tenMessages(),
  });

  it('waits for storage to catch up', async () => {
    const store = growingStore(8);
    expect(await checkDelivery([device()], store)).toMatchObject({ verdict: 'delivered' });
    expect(store.asked()).toBe(5);
  });

  it('gives up when the store has shown nothing new for long enough', async () => {
    const store = growingStore(6);
    const report = await checkDelivery([device()], store);
    expect(report).toMatchObject({ verdict: 'lost', examples: [{ missingNumbers: [7, 8] }] });
    expect(store.asked()).toBe(3 + 5); // six are seen at the third look
  });

  it('asks nothing about a device that sent nothing', async () => {
    const store = growingStore(8);
    await checkDelivery([{ deviceId: 'quiet', ledger: new DeliveryLedger() }], store);
    expect(store.asked()).toBe(0);
  });

  it('passes on that the store cannot be asked', async () => {
    const values = (): AsyncIterable<unknown> => {
      throw new Error('away');
    };
    await expect(checkDelivery([device()], { ...growingStore(8), values })).rejects.toThrow('away');
  });
});
