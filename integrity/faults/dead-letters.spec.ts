import { expect, it } from '@jest/globals';
import { checkRefused, type DeadLetter } from './dead-letters.js';

const PUMP = {
  id: 'pump',
  bad: new Set([2, 7, 9]),
  acknowledged: new Set([1, 2]),
  refused: new Map([[7, 0x99]]),
};
const WHY = { code: 'record-refused', detail: /too large/ };

function letter(n: number, change: Partial<DeadLetter> = {}): DeadLetter {
  const payload = Buffer.from(JSON.stringify({ readings: { n } }));
  return { device: 'pump', code: WHY.code, detail: 'it is too large', place: undefined, payload, ...change };
}

function problems(letters: readonly DeadLetter[], device = PUMP): string[] {
  const found: string[] = [];
  const check = (isTrue: boolean, problem: string): unknown => isTrue || found.push(problem);
  checkRefused({ load: { devices: [device] }, check }, letters, WHY);
  return found;
}

it('wants a dead letter of each bad message that was answered, as it was sent or as a record', () => {
  const record = Buffer.from(JSON.stringify({ subject: 'pump', data: { readings: { n: 7 } } }));
  expect(problems([letter(2), letter(2), letter(7, { payload: record })])).toEqual([]);
  expect(problems([letter(2)])).toEqual(['1 refused messages have no dead letter: pump 7']);
  expect(problems([letter(2), letter(7, { device: 'fan' })])).toHaveLength(2);
});

it('wants that there was a bad one', () => {
  expect(problems([], { ...PUMP, bad: new Set() })).toEqual(['no bad message was sent']);
});

it('wants no dead letter of a good one', () => {
  expect(problems([letter(1), letter(2), letter(7)])).toEqual(['1 good messages were refused: pump 1']);
});

it('wants the code and the reason', () => {
  expect(problems([letter(2), letter(7, { code: 'value-type' })])).toHaveLength(1);
  expect(problems([letter(2), letter(7, { detail: 'it is wrong' })])).toHaveLength(1);
});
