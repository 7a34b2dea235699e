import { describe } from '@jest/globals';
import { describeAlerts } from './contract-alerts.js';
import { describeDocuments } from './contract-documents.js';
import { describeIdentity } from './contract-identity.js';
import { describeLife } from './contract-life.js';
import { describeMissing } from './contract-missing.js';
import { describeQueries } from './contract-queries.js';
import { describeValues } from './contract-values.js';
import type { OpenStore } from './opened-store.js';

/** What `TelemetryStore` promises, for every adapter. Each test uses devices of its own, so a server that others use will do. */
export function describeStoreContract(name: string, openStore: OpenStore): void {
  describe(`telemetry store: ${name}`, () => {
    describeValues(openStore);
    describeIdentity(openStore);
    describeMissing(openStore);
    describeQueries(openStore);
    describeDocuments(openStore);
    describeAlerts(openStore);
    describeLife(openStore);
  });
}
