import { isMinted } from '../cloud-event.js';

/** The number in an id that a gateway has minted; see `mintedId`. Undefined for every other id. */
export function mintedNumber(id: string): number | undefined {
  if (!isMinted(id)) return undefined;
  const number = Number.parseInt(id.slice(id.lastIndexOf('-') + 1), 36);
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

/** The run of a gateway that has minted an id: numbers of another have nothing to do with it. */
export function mintedBoot(id: string): string {
  return id.slice(1, id.lastIndexOf('-'));
}
