import { isMinted } from '../cloud-event.js';

/** The number in an id that a gateway has minted; see `mintedId`. Undefined for every other id. */
export function mintedNumber(id: string): number | undefined {
  if (!isMinted(id)) return undefined;
  const number = Number.parseInt(id.slice(id.lastIndexOf('-') + 1), 36);
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
