import { expect, it } from '@jest/globals';
import { printable, tableOf } from './table.js';

it('aligns columns, texts to the left and numbers to the right', () => {
  const table = tableOf(
    ['DEVICE', 'COUNT'],
    [
      ['pump-7', 7],
      ['fan-12', 1200],
    ],
  );
  expect(table.split('\n')).toEqual(['DEVICE  COUNT', 'pump-7      7', 'fan-12   1200']);
});

it('aligns a column of which nothing is known as its head', () => {
  const rows = [
    ['a', undefined],
    ['b', undefined],
  ];
  expect(tableOf(['ID', 'DETAIL', 'COUNT'], rows).split('\n')).toEqual([
    'ID  DETAIL  COUNT',
    'a   -       -',
    'b   -       -',
  ]);
  expect(
    tableOf(
      ['ID', 'COUNT'],
      [
        ['a', undefined],
        ['b', 12],
      ],
    ).split('\n')[1],
  ).toBe('a       -');
});

it('shows what is missing as a dash, and cuts what is endless', () => {
  const [, row = ''] = tableOf(['A', 'B'], [[undefined, 'x'.repeat(500)]]).split('\n');
  expect(row).toBe(`-  ${'x'.repeat(59)}…`);
});

it('what a device wrote can neither move the cursor nor break the line', () => {
  expect(printable('\u001b[2Jred\u001b[31m\nnext\u0007')).toBe('red next ');
  expect(tableOf(['TEXT'], [['a\nb\u001b[H']]).split('\n')).toEqual(['TEXT', 'a b']);
});
