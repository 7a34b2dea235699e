import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { conformanceReport } from './conformance-report.js';
import { readDeviations } from './deviations.js';
import { readOtherBrokers } from './other-brokers.js';
import type { VectorReport } from './run-vectors.js';
import { readStatements } from './statements.js';

const DOCUMENT = fileURLToPath(new URL('../../../../docs/mqtt-conformance.md', import.meta.url));

const { values } = parseArgs({
  options: {
    scores: { type: 'string' },
    to: { type: 'string', default: DOCUMENT },
  },
});
if (values.scores === undefined)
  throw new Error('--scores FILE is needed: what main.js --json FILE has written');

const text = conformanceReport({
  report: JSON.parse(await readFile(values.scores, 'utf8')) as VectorReport, // written by main.js
  statements: readStatements(),
  deviations: readDeviations(),
  others: readOtherBrokers(),
});
await writeFile(values.to, text);
