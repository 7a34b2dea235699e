import { isMinted } from '../cloud-event.js';

const NUMBER = /^[0-9a-z]+$/;

/** The number in an id that a gateway has minted; see `mintedId`. Undefined for every other id, and for what is made of one. */
export function mintedNumber(id: string): number | undefined {
  if (!isMinted(id)) return undefined;
  const text = id.slice(id.lastIndexOf('-') + 1);
  const number = NUMBER.test(text) ? Number.parseInt(text, 36) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** The session that an id was minted for: numbers of another have nothing to do with it. */
export function mintedSession(id: string): string {
  return id.slice(1, id.lastIndexOf('-'));
}
