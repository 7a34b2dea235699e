import { expect } from '@jest/globals';
import { expectStoredOnce } from '../expect-stored-once.js';
import { NumberedFleet } from '../numbered-fleet.js';
import { until, type Operator } from '../operator.js';

const WITHIN_MS = 90_000;

/** Devices that report a temperature and a humidity with each number. */
export function weatherFleet(prefix: string, devices: number): NumberedFleet {
  return new NumberedFleet(prefix, devices, 50, weatherOf);
}

/** A dew point of each message that was acknowledged, once and right; and the messages themselves, as if nobody had added any. */
export async function expectDewPoints(operator: Operator, fleet: NumberedFleet, from: number): Promise<void> {
  await expectStoredOnce(operator, fleet, from);
  const to = Date.now() + 60_000;
  for (const device of fleet.devices) {
    const expected = [...device.acknowledged].map((n) => dewPointOf(weatherOf(n))).sort(ascending);
    const stored = await until(
      () => operator.values(device.id, 'dew_point', from, to),
      ({ length }) => length >= expected.length,
      WITHIN_MS,
    );
    expect(stored).toHaveLength(expected.length);
    expect([...stored].sort(ascending)).toEqual(expected);
  }
}

interface Weather {
  readonly temperature: number;
  readonly humidity: number;
}

function weatherOf(n: number): Weather & Readonly<Record<string, number>> {
  return { temperature: (n % 41) - 10, humidity: 20 + (n % 73) };
}

/** In another way than the example's: the temperature whose saturation pressure is the pressure of the vapour, by bisection. */
export function dewPointOf({ temperature, humidity }: Weather): number {
  const vapour = (humidity / 100) * saturation(temperature);
  let low = -100;
  let high = temperature;
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (saturation(middle) < vapour) low = middle;
    else high = middle;
  }
  return Math.round(low * 10) / 10 + 0; // no minus before a zero
}

/** hPa over water at °C. */
function saturation(temperature: number): number {
  return 6.112 * Math.exp((17.62 * temperature) / (243.12 + temperature));
}

function ascending(one: number, other: number): number {
  return one - other;
}
