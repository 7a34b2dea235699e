import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { forgetProcess, watchProcess } from './lifeline.mjs';
import { endProcess, isRunning, signal } from './own-process.mjs';
import { ServiceError } from './service-error.mjs';

const GRACE_MS = 15_000;
const TAIL_LINES = 15;

/**
 * @typedef {object} ServiceSpec
 * @property {string} name for messages: `kafka node 1`
 * @property {string} command
 * @property {string[]} args
 * @property {string} folder state of this one process: pid file, log, configuration
 * @property {string} marker path of the configuration file, which is among `args`: by it the process is known as ours
 * @property {number} port what the pid file says beside the process id
 * @property {string} logName
 * @property {Record<string, string>} [environment] beside what every service gets
 * @property {boolean} keepRunning true: outlives this process. False: ends with it, however it ends
 */

/** One service as a process that can be ended the hard way, started again on the same data, and frozen. */
export class ServiceProcess {
  /** @type {number | undefined} */
  #pid;
  /** @type {number | undefined} the process that `kill` or `stop` was called for */
  #condemned;
  #frozen = false;
  #spec;

  /** @param {ServiceSpec} spec */
  constructor(spec) {
    this.#spec = spec;
  }

  get pid() {
    return this.running ? this.#pid : undefined;
  }

  get running() {
    return this.#pid !== undefined && isRunning(this.#own(this.#pid));
  }

  /** Gone, and not by `kill` or `stop`. */
  get crashed() {
    return this.#pid !== undefined && this.#pid !== this.#condemned && !this.running;
  }

  get frozen() {
    return this.#frozen;
  }

  /** Two processes on one data folder would ruin it. */
  refuseSecond() {
    const other = readPidFile(this.#spec.folder);
    if (other === undefined || !isRunning(this.#own(other.pid))) return;
    throw new ServiceError(`${this.#spec.name}: process ${other.pid} already works on this data folder`);
  }

  /** Returns when the process is there; whether it is ready is for its owner to ask. */
  start() {
    this.refuseSecond();
    const { name, command, args, folder, keepRunning, port } = this.#spec;
    mkdirSync(folder, { recursive: true });
    const log = openSync(this.#logFile, 'a');
    const child = spawn(command, args, {
      cwd: folder,
      env: { ...environment(), ...this.#spec.environment },
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.once('error', () => {}); // seen below: no process id
    child.unref();
    if (child.pid === undefined) throw new ServiceError(`${name}: ${command} cannot be started`);
    this.#pid = child.pid;
    this.#frozen = false;
    writeFileSync(pidFile(folder), `${JSON.stringify({ pid: child.pid, port })}\n`);
    if (!keepRunning) watchProcess(this.#own(child.pid));
  }

  /** SIGKILL. */
  async kill() {
    await this.#end(0);
  }

  /** SIGTERM, and SIGKILL if that does not help. */
  async stop() {
    await this.#end(GRACE_MS);
  }

  /** The process stands still but its sockets stay open: what a long pause or a lost machine looks like to a client. */
  freeze() {
    this.#frozen = this.#pid !== undefined && signal(this.#own(this.#pid), 'SIGSTOP');
  }

  thaw() {
    if (this.#pid !== undefined) signal(this.#own(this.#pid), 'SIGCONT');
    this.#frozen = false;
  }

  /** For a process that ended by itself: what it said last. */
  ended() {
    return new ServiceError(
      `${this.#spec.name}: ended by itself; the last lines of its log:\n${tail(this.#logFile)}`,
    );
  }

  /** @param {number} graceMs */
  async #end(graceMs) {
    const pid = this.#pid;
    if (pid === undefined) return;
    this.#condemned = pid;
    const own = this.#own(pid);
    await endProcess(own, graceMs);
    if (this.#pid !== pid) return; // a second call ended it meanwhile
    forgetProcess(own);
    rmSync(pidFile(this.#spec.folder), { force: true });
    this.#pid = undefined;
    this.#frozen = false;
  }

  /** @param {number} pid */
  #own(pid) {
    return { pid, marker: this.#spec.marker };
  }

  get #logFile() {
    return join(this.#spec.folder, this.#spec.logName);
  }
}

/**
 * @param {string} folder
 * @returns {{ pid: number, port: number } | undefined}
 */
export function readPidFile(folder) {
  try {
    return JSON.parse(readFileSync(pidFile(folder), 'utf8'));
  } catch {
    return undefined; // none, or cut off by a crash: then nothing is known about a process
  }
}

/** @param {string} folder */
export function pidFile(folder) {
  return join(folder, 'pid.json');
}

/** InfluxDB takes INFLUXDB_* over its configuration file: settings meant for another server would move ours. */
function environment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('INFLUXDB_')));
}

/** @param {string} file */
function tail(file) {
  if (!existsSync(file)) return '(no log)';
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
}
