import { get } from 'node:http';
import { findProgram } from './paths.mjs';

const TIMEOUT_MS = 2_000;

export function findInflux() {
  return findProgram('influxd', 'influxdb');
}

/**
 * @param {number} port of 127.0.0.1
 * @returns {Promise<string | undefined>} what is wrong; undefined: it is ready
 */
export function pingInflux(port) {
  return new Promise((answer) => {
    const request = get(
      { port, host: '127.0.0.1', path: '/ping', agent: false, timeout: TIMEOUT_MS },
      (response) => {
        response.resume();
        answer(response.statusCode === 204 ? undefined : `/ping answers ${response.statusCode}`);
      },
    );
    request.on('timeout', () => request.destroy(new Error(`no answer on port ${port}`)));
    request.on('error', ({ message }) => answer(message));
  });
}
