import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { ServiceError } from './service-error.mjs';

// Below the ports that the kernel gives to outgoing connections (32768 and up on Linux, 49152 on macOS). From that
// range, a client that keeps dialling a killed node's port sooner or later gets this very port as its own and
// connects to itself: the node cannot be started again.
const LOWEST = 20_000;
const HIGHEST = 32_000;
/** A process takes its ports from a range of its own, in turn: a service that starts takes seconds until it listens. */
const RANGE = 120;
const FROM = LOWEST + (process.pid % ((HIGHEST - LOWEST) / RANGE)) * RANGE;
let taken = randomInt(RANGE);
const DEFAULT_CONTROLLER_PORT = 29_092; // of `services:up`

/**
 * Ports of 127.0.0.1 on which nobody listens now.
 * @param {number} count
 * @returns {Promise<number[]>}
 */
export async function freePorts(count) {
  /** @type {Set<number>} */
  const found = new Set();
  for (let tries = 0; found.size < count; tries++) {
    if (tries === RANGE) throw new ServiceError(`no ${count} free ports between ${FROM} and ${FROM + RANGE}`);
    const port = FROM + (taken++ % RANGE);
    if (port !== DEFAULT_CONTROLLER_PORT && (await portIsFree(port))) found.add(port);
  }
  return [...found];
}

/**
 * A busy port is refused before anything is started: the service itself would say so late, in its log.
 * @param {string} service
 * @param {number[]} ports
 */
export async function refuseBusyPorts(service, ports) {
  for (const port of ports) {
    if (!(await portIsFree(port)))
      throw new ServiceError(`${service}: port ${port} is busy, and not with a service started here`);
  }
}

/**
 * @param {number} port
 * @returns {Promise<boolean>}
 */
export function portIsFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
