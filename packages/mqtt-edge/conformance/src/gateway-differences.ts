import { readFileSync } from 'node:fs';

/** Where the gateway, which serves devices, is another server than the lab broker that plays the wire vectors. */
export interface GatewayDifference {
  readonly title: string;
  readonly reason: string;
  /** What shows it: as in a statement. */
  readonly test: string;
  /** Ids of the statements that the gateway has no use for, or does not obey. */
  readonly statements: readonly string[];
}

export function readGatewayDifferences(): readonly GatewayDifference[] {
  return JSON.parse(
    readFileSync(new URL('../gateway-differences.json', import.meta.url), 'utf8'),
  ) as readonly GatewayDifference[]; // our own file, checked by its spec
}
