import { isMinted } from '../cloud-event.js';

const NUMBER = /^[0-9a-z]+$/;

/** The number in an id that a gateway has minted; see `mintedId`. Undefined for every other id. */
export function mintedNumber(id: string): number | undefined {
  if (!isMinted(id)) return undefined;
  const text = id.slice(id.lastIndexOf('-') + 1);
  const number = NUMBER.test(text) ? Number.parseInt(text, 36) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** What its number is a number of: those of another have nothing to do with it. */
export function mintedSequence(id: string): string {
  return id.slice(1, id.lastIndexOf('-'));
}
