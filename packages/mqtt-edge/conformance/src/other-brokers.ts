import { readFileSync } from 'node:fs';
import type { Totals } from './run-vectors.js';

export interface OtherBroker {
  readonly broker: string;
  /** How it was set up. */
  readonly note: string;
  readonly totals: Totals;
  readonly byPacketType: Readonly<Record<string, Totals>>;
}

/** What other brokers score in the same cases, taken with this program. */
export function readOtherBrokers(): readonly OtherBroker[] {
  return JSON.parse(
    readFileSync(new URL('../other-brokers.json', import.meta.url), 'utf8'),
  ) as readonly OtherBroker[]; // our own file
}
