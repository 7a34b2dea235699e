import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { forgetFolder, watchFolder } from './lifeline.mjs';
import { findProgram } from './paths.mjs';
import { freePorts, refuseBusyPorts } from './ports.mjs';
import { ServiceError } from './service-error.mjs';
import { ServiceProcess } from './service-process.mjs';
import { step, until } from './steps.mjs';

const READY_MS = 60_000;
const ANSWER_MS = 2_000;

/**
 * Starts a real Prometheus on 127.0.0.1 and returns when it answers queries.
 * The contract and the types of all members stand in prometheus-server.d.mts.
 * @param {import('./prometheus-server.mjs').PrometheusOptions} options
 * @returns {Promise<import('./prometheus-server.mjs').PrometheusServer>}
 */
export async function startPrometheus({ config, dataDir, port, keepRunning = false, report = () => {} }) {
  const command = findProgram('prometheus', 'prometheus');
  const folder = dataDir === undefined ? temporaryFolder() : resolve(dataDir);
  const [free] = port === undefined ? await freePorts(1) : [port];
  const server = new PrometheusServer({ command, folder, port: free, keepRunning });
  try {
    await step(report, `prometheus: ready on ${server.url}`, () => server.start(config));
    return server;
  } catch (error) {
    await server.stop();
    if (dataDir === undefined) clearUp(folder);
    throw error;
  }
}

/**
 * @param {readonly string[]} args
 * @returns {Promise<{ code: number | null, output: string }>}
 */
export function promtool(args) {
  const command = findProgram('promtool', 'prometheus');
  return new Promise((answer, fail) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.once('error', fail);
    child.once('close', (code) => answer({ code, output }));
  });
}

class PrometheusServer {
  #place;
  #process;

  /** @param {{ command: string, folder: string, port: number, keepRunning: boolean }} place */
  constructor(place) {
    const { command, folder, port, keepRunning } = place;
    const marker = join(folder, 'prometheus.yml');
    this.#place = { ...place, marker };
    this.#process = new ServiceProcess({
      name: 'prometheus',
      command,
      args: [
        `--config.file=${marker}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=warn',
      ],
      folder,
      marker,
      port,
      logName: 'prometheus.log',
      keepRunning,
    });
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get port() {
    return this.#place.port;
  }

  get pid() {
    return this.#process.pid;
  }

  /** @param {string} config */
  async start(config) {
    const { folder, marker, port } = this.#place;
    this.#process.refuseSecond();
    await refuseBusyPorts('prometheus', [port]);
    mkdirSync(folder, { recursive: true });
    writeFileSync(marker, config);
    this.#process.start();
    await until(() => this.#missing(), { fault: 'prometheus: not ready', timeoutMs: READY_MS });
  }

  stop() {
    return this.#process.stop();
  }

  async #missing() {
    if (this.#process.crashed) throw this.#process.ended();
    if (!this.#process.running) throw new ServiceError('prometheus: ended while it was being started');
    try {
      const answer = await fetch(`${this.url}/-/ready`, { signal: AbortSignal.timeout(ANSWER_MS) });
      return answer.ok ? undefined : `/-/ready answers ${answer.status}`;
    } catch (error) {
      return String(error); // it does not listen yet
    }
  }
}

function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-prometheus-'));
  watchFolder(folder);
  return folder;
}

/** @param {string} folder */
function clearUp(folder) {
  rmSync(folder, { recursive: true, force: true });
  forgetFolder(folder);
}
