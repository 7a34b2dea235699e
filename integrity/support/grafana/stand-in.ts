import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startPrometheus } from '../../../ops/services/prometheus-server.mjs';
import { holds } from './holds.js';
import { SCRAPE_MS } from './prometheus-beside.js';

export interface StandIn {
  readonly prometheus: string;
  /** When everything is there, and rises. */
  readonly fromMs: number;
  close(): Promise<void>;
}

/** As long as a rate looks back, and a little more. */
const SCRAPES = 6;

/**
 * The real Prometheus beside a process that has every trouble at once, and more with each scrape: the first of `samples` by 1, the second by
 * 2, and so on. `constant` ones are always 1.
 */
export async function openStandIn(samples: readonly string[], constant: readonly string[]): Promise<StandIn> {
  let scrapes = 0;
  const server = createServer((_, response) => {
    scrapes += 1;
    const rising = ['stand_in_scrapes']
      .concat(samples)
      .map((sample, pace) => `${sample} ${scrapes * Math.max(1, pace)}`);
    const lines = rising.concat(constant.map((sample) => `${sample} 1`));
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(`${lines.join('\n')}\n`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const closeServer = async (): Promise<void> => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  try {
    const prometheus = await startPrometheus({ config: configOf(port) });
    await holds(prometheus.url, `stand_in_scrapes > ${SCRAPES}`);
    const close = async (): Promise<void> => {
      await prometheus.stop();
      await closeServer();
    };
    return { prometheus: prometheus.url, fromMs: Date.now(), close };
  } catch (error) {
    await closeServer();
    throw error;
  }
}

function configOf(port: number): string {
  return [
    `global: { scrape_interval: ${SCRAPE_MS}ms }`,
    'scrape_configs:',
    '  - job_name: fieldgate',
    `    static_configs: [{ targets: ['127.0.0.1:${port}'] }]`,
  ].join('\n');
}
