import { describe, expect, it } from '@jest/globals';
import { OrderedSettlements } from './ordered-settlements.js';

describe('acknowledgements of one connection', () => {
  it('leave in the order of the PUBLISHes, whatever becomes durable first', () => {
    const line = new OrderedSettlements();
    const released: string[] = [];
    const first = line.add(() => released.push('first'), 1);
    const second = line.add(() => released.push('second'), 2);
    const third = line.add(() => released.push('third'), 3);
    second.settle();
    expect(released).toEqual([]);
    first.settle();
    expect(released).toEqual(['first', 'second']);
    third.settle();
    expect(released).toEqual(['first', 'second', 'third']);
    expect(line.size).toBe(0);
  });

  it('know since when the oldest one waits', () => {
    const line = new OrderedSettlements();
    expect(line.oldestSince).toBeUndefined();
    const first = line.add(() => undefined, 100);
    line.add(() => undefined, 200);
    expect(line.oldestSince).toBe(100);
    first.settle();
    expect(line.oldestSince).toBe(200);
  });

  it('count how many have left, so that a stop knows when those that it found are gone', () => {
    const line = new OrderedSettlements();
    const found = [1, 2].map((since) => line.add(() => undefined, since));
    const goal = line.released + line.size;
    line.add(() => undefined, 3); // came after, and is never settled
    for (const settlement of found) settlement.settle();
    expect(line.released).toBe(goal);
    expect(line.size).toBe(1);
  });

  it('may add more while one is released', () => {
    const line = new OrderedSettlements();
    const released: number[] = [];
    line
      .add(() => {
        released.push(1);
        line.add(() => released.push(2), 0).settle();
      }, 0)
      .settle();
    expect(released).toEqual([1, 2]);
    expect(line.size).toBe(0);
  });

  it('keep no memory of what is done in a line that is never empty', () => {
    const line = new OrderedSettlements();
    let waiting = line.add(() => undefined, 0);
    for (let i = 0; i < 10_000; i++) {
      const next = line.add(() => undefined, i);
      waiting.settle();
      waiting = next;
    }
    expect(line.size).toBe(1);
    waiting.settle();
    expect(line.size).toBe(0);
    expect(line.released).toBe(10_001);
  });
});
