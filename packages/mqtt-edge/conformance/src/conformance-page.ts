import { fileURLToPath } from 'node:url';
import { conformanceReport } from './conformance-report.js';
import { readDeviations } from './deviations.js';
import { readGatewayDifferences } from './gateway-differences.js';
import { readOtherBrokers } from './other-brokers.js';
import type { VectorReport } from './run-vectors.js';
import { readStatements } from './statements.js';

export const PAGE = fileURLToPath(new URL('../../../../docs/mqtt-conformance.md', import.meta.url));

/** The page for these scores, and for what is written down of deviations, statements and other brokers. */
export function conformancePage(report: VectorReport): string {
  return conformanceReport({
    report,
    statements: readStatements(),
    deviations: readDeviations(),
    differences: readGatewayDifferences(),
    others: readOtherBrokers(),
  });
}
