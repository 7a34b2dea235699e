import { expect } from '@jest/globals';
import type { NumberedFleet } from './numbered-fleet.js';
import { until, type Operator } from './operator.js';

/** published ⊇ stored ⊇ acknowledged, and nothing twice; waits for the storing side to catch up. */
export async function expectStoredOnce(
  operator: Operator,
  fleet: NumberedFleet,
  from: number,
): Promise<void> {
  const to = Date.now() + 60_000;
  for (const device of fleet.devices) {
    const stored = await until(
      () => operator.values(device.id, 'n', from, to),
      (values) => new Set(values).size >= device.acknowledged.size,
      60_000,
    );
    const distinct = new Set(stored);
    const missing = [...device.acknowledged].filter((n) => !distinct.has(n));
    expect({ device: device.id, missing, twice: stored.length - distinct.size }).toEqual({
      device: device.id,
      missing: [],
      twice: 0,
    });
    expect(Math.max(...stored)).toBeLessThan(device.sent);
  }
}
