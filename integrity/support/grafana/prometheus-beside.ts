import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startPrometheus, type PrometheusServer } from '../../../ops/services/prometheus-server.mjs';
import type { Deployment } from '../deployment.js';

const CONFIG = new URL('../../../ops/prometheus/prometheus.yml', import.meta.url);
const ROLES = ['gateway', 'processors', 'operator-api'] as const;

/** Scraped so often here, that a test need not wait; the file says 15 s. */
export const SCRAPE_MS = 1_000;

/** The real Prometheus with ops/prometheus/prometheus.yml, of which only the addresses, the pace and the path of the rules are other. */
export function prometheusBeside(deployment: Deployment): Promise<PrometheusServer> {
  const isOneProcess = deployment.parts.includes('all');
  let config = readFileSync(CONFIG, 'utf8')
    .replaceAll(/_interval: 15s/g, `_interval: ${SCRAPE_MS}ms`)
    .replace('- alerts.yml', `- ${fileURLToPath(new URL('alerts.yml', CONFIG))}`);
  if (isOneProcess) config = oneProcess(config);
  for (const role of ROLES)
    config = config.replace(
      `'${isOneProcess ? 'fieldgate' : role}:8080'`,
      `'${new URL(deployment.httpOf(role)).host}'`,
    );
  return startPrometheus({ config });
}

/** The lines of the file for all roles in one process, which are a comment there, instead of the others. */
function oneProcess(config: string): string {
  const [head = '', jobs = ''] = config.split('scrape_configs:\n');
  const commented = jobs.split('\n').flatMap((line) => /^ {2}# (- job_name.*| {2}.*)$/.exec(line)?.[1] ?? []);
  return `${head}scrape_configs:\n${commented.map((line) => `  ${line}`).join('\n')}\n`;
}
