import { describe, expect, it } from '@jest/globals';
import { FAULT_TYPES, Faults, type FaultChange } from './faults.js';
import { seededRandom } from './random.js';
import { Signals, type SignalReadings } from './signals.js';

const START = Date.parse('2026-11-20T00:00:00Z');
const MINUTE = 60_000;

function aDay(seed: string): SignalReadings[] {
  const signals = new Signals(seededRandom(seed), START);
  return Array.from({ length: 24 * 60 }, (_, minute) => signals.at(START + minute * MINUTE));
}

function changes(seed: string, untilMs: number): FaultChange[] {
  const faults = new Faults(seededRandom(seed), START);
  const found: FaultChange[] = [];
  for (let change = faults.changeUntil(untilMs); change; change = faults.changeUntil(untilMs))
    found.push(change);
  return found;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe('seeded chance', () => {
  it('is the same for the same seed, and another for another', () => {
    const draw = (seed: string): number[] => Array.from({ length: 5 }, seededRandom(seed));
    expect(draw('1/sim-001')).toEqual(draw('1/sim-001'));
    expect(draw('1/sim-001')).not.toEqual(draw('1/sim-002'));
    expect(draw('1/sim-001')).not.toEqual(draw('2/sim-001'));
  });

  it('is spread evenly from 0 up to 1', () => {
    const random = seededRandom('even');
    const values = Array.from({ length: 10_000 }, random);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(mean(values)).toBeCloseTo(0.5, 1);
  });
});

describe('signals', () => {
  it('are the same for the same seed and the same times', () => {
    expect(aDay('7')).toEqual(aDay('7'));
    expect(aDay('7')).not.toEqual(aDay('8'));
  });

  it('stay within what such a machine can show', () => {
    for (const reading of aDay('3')) {
      expect(reading.temperature).toBeGreaterThan(-10);
      expect(reading.temperature).toBeLessThan(70);
      expect(reading.humidity).toBeGreaterThanOrEqual(5);
      expect(reading.humidity).toBeLessThanOrEqual(100);
      expect(Math.abs(reading.pressure - 1013)).toBeLessThan(20);
      expect(reading.battery).toBeGreaterThanOrEqual(0);
      expect(reading.battery).toBeLessThanOrEqual(100);
      expect(reading.vibration).toBeGreaterThanOrEqual(0);
      expect(['ok', 'idle']).toContain(reading.status);
    }
  });

  it('are warmer in the afternoon than at night, and shake when the machine runs', () => {
    const day = aDay('5');
    const ambient = (fromHour: number, toHour: number): number =>
      mean(
        day
          .slice(fromHour * 60, toHour * 60)
          .map(({ temperature, running }) => temperature - (running ? 18 : 0)),
      );
    expect(ambient(14, 16)).toBeGreaterThan(ambient(2, 4) + 5);
    const shaking = (running: boolean): number =>
      mean(day.filter((reading) => reading.running === running).map(({ vibration }) => vibration));
    expect(shaking(true)).toBeGreaterThan(10 * shaking(false));
  });

  it('show a fault', () => {
    const signals = new Signals(seededRandom('9'), START);
    const well = signals.at(START);
    const ill = signals.at(START + 20_000, { type: 'overheating', sinceMs: START });
    expect(ill.temperature).toBeGreaterThan(well.temperature + 30);
    expect(ill.status).toBe('overheating');
  });

  it('survive a clock that leaps over months', () => {
    const signals = new Signals(seededRandom('1'), START);
    expect(signals.at(START + 1e11)).toMatchObject({ status: expect.any(String) });
  });
});

describe('faults', () => {
  const anHour = START + 60 * MINUTE;

  it('come at the same moments for the same seed', () => {
    expect(changes('1', anHour)).toEqual(changes('1', anHour));
  });

  it('are raised and cleared in turn, one at a time, of every kind', () => {
    const found = changes('1', START + 600 * MINUTE);
    found.forEach(({ type, state }, index) => {
      expect(state).toBe(index % 2 === 0 ? 'raised' : 'cleared');
      if (state === 'cleared') expect(type).toBe(found[index - 1]?.type);
    });
    expect(new Set(found.map(({ type }) => type))).toEqual(new Set(FAULT_TYPES));
  });

  it('show themselves within three minutes', () => {
    expect(changes('1', START + 3 * MINUTE).length).toBeGreaterThan(0);
  });
});
