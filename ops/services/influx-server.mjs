import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findInflux, pingInflux } from './influx-ping.mjs';
import { forgetFolder, watchFolder } from './lifeline.mjs';
import { freePorts, refuseBusyPorts } from './ports.mjs';
import { ServiceError } from './service-error.mjs';
import { ServiceProcess } from './service-process.mjs';
import { step, until } from './steps.mjs';

const READY_MS = 60_000;

/**
 * Starts a real InfluxDB 1.x on 127.0.0.1 and returns when it answers /ping.
 * The contract and the types of all members stand in influx-server.d.mts.
 * @param {import('./influx-server.mjs').InfluxOptions} [options]
 * @returns {Promise<import('./influx-server.mjs').InfluxServer>}
 */
export async function startInflux({
  dataDir,
  ports,
  environment = {},
  keepRunning = false,
  report = () => {},
} = {}) {
  const influxd = findInflux();
  const folder = dataDir === undefined ? temporaryFolder() : resolve(dataDir);
  const [http, rpc] = ports ? [ports.http, ports.rpc] : await freePorts(2);
  const server = new InfluxServer({
    folder,
    http,
    rpc,
    influxd,
    keepRunning,
    environment,
    ownFolder: dataDir === undefined,
  });
  try {
    await step(report, `influx: ready on ${server.url}`, () => server.start());
    return server;
  } catch (error) {
    await server.kill();
    server.clearUp();
    throw error;
  }
}

class InfluxServer {
  #place;
  #process;

  /** @param {{ folder: string, http: number, rpc: number, influxd: string, keepRunning: boolean, environment: Record<string, string>, ownFolder: boolean }} place */
  constructor(place) {
    this.#place = place;
    const marker = join(place.folder, 'influxdb.conf');
    const args = ['run', '-config', marker];
    const { folder, http: port, influxd: command, keepRunning, environment } = place;
    this.#process = new ServiceProcess({
      name: 'influx',
      command,
      args,
      folder,
      marker,
      port,
      logName: 'influxd.log',
      keepRunning,
      environment,
    });
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get port() {
    return this.#place.http;
  }

  get pid() {
    return this.#process.pid;
  }

  async start() {
    if (!this.#process.running) await this.#launch();
    await until(() => this.#missing(), { fault: 'influx: not ready', timeoutMs: READY_MS });
  }

  kill() {
    return this.#process.kill();
  }

  stop() {
    return this.#process.stop(); // a temporary folder stays for the next `start`; it is deleted when this process ends
  }

  freeze() {
    this.#process.freeze();
  }

  thaw() {
    this.#process.thaw();
  }

  clearUp() {
    if (!this.#place.ownFolder) return;
    rmSync(this.#place.folder, { recursive: true, force: true });
    forgetFolder(this.#place.folder);
  }

  async #launch() {
    const { folder, http, rpc } = this.#place;
    this.#process.refuseSecond();
    await refuseBusyPorts('influx', [http, rpc]);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'influxdb.conf'), configuration(this.#place));
    this.#process.start();
  }

  async #missing() {
    if (this.#process.crashed) throw this.#process.ended();
    if (!this.#process.running) throw new ServiceError('influx: ended while it was being started');
    return pingInflux(this.port);
  }
}

/** @param {{ folder: string, http: number, rpc: number }} place */
function configuration({ folder, http, rpc }) {
  return `# Written at every start by ops/services.
reporting-enabled = false
bind-address = "127.0.0.1:${rpc}"

[meta]
  dir = "${join(folder, 'meta')}"
  logging-enabled = false

[data]
  dir = "${join(folder, 'data')}"
  wal-dir = "${join(folder, 'wal')}"
  index-version = "tsi1"
  query-log-enabled = false

[monitor]
  store-enabled = false

[http]
  bind-address = "127.0.0.1:${http}"
  log-enabled = false

[continuous_queries]
  log-enabled = false

[logging]
  level = "warn"
  suppress-logo = true
`;
}

function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'fieldgate-influx-'));
  watchFolder(folder);
  return folder;
}
