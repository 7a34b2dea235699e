import { expect, it } from '@jest/globals';
import { mintedId } from '../cloud-event.js';
import { mintedNumber, mintedSequence } from './minted-number.js';

it.each([0, 7, 35, 36, 2 ** 31, 2 ** 52])('the number %d is read from the id that it is in', (number) => {
  const id = mintedId('b00t-1', number);
  expect([mintedNumber(id), mintedSequence(id)]).toEqual([number, 'b00t-1']);
});

it.each(['own-7', '7', '', '~', '~1', '~b00t-', '~b00t-1-7/2', '~b00t-1-7 ', '~b00t-1-zzzzzzzzzzzz'])(
  'there is none in "%s"',
  (id) => expect(mintedNumber(id)).toBeUndefined(),
);
