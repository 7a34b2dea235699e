import { join } from 'node:path';
import { findInflux, pingInflux } from './influx-ping.mjs';
import { startInflux } from './influx-server.mjs';
import { startKafkaCluster } from './kafka-cluster.mjs';
import { findJava, findMavenIfNeeded } from './kafka-libs.mjs';
import { brokerFault } from './kafka-ready.mjs';
import { SERVICES_STATE } from './paths.mjs';
import { ServiceError } from './service-error.mjs';

/**
 * What `services:up` starts and `services:down` ends.
 * @typedef {object} LocalService
 * @property {string} name
 * @property {string} folder where its pid file is
 * @property {string} marker the configuration file by which the process is known as ours
 * @property {number} port
 * @property {number[]} ports all that must be free
 * @property {() => void} refuseMissingProgram
 * @property {() => Promise<string | undefined>} fault what it lacks to be ready
 * @property {(report: import('./steps.mjs').Report) => Promise<{ pid: number | undefined }>} start
 */

const CONTROLLER_DISTANCE = 10_000; // 19092 and 29092
const RPC_DISTANCE = 2; // 18086 and 18088

/**
 * @param {string[]} flags
 * @returns {LocalService[]}
 */
export function chosenServices(flags) {
  const unknown = flags.find((flag) => flag !== '--kafka-only' && flag !== '--influx-only');
  if (unknown !== undefined)
    throw new ServiceError(`${unknown}: not known; there are --kafka-only and --influx-only`);
  const all = [kafka(), influx()];
  const chosen = all.filter(({ name }) => flags.includes(`--${name}-only`));
  return chosen.length > 0 ? chosen : all;
}

/** @returns {LocalService} */
function kafka() {
  const port = portSetting('FIELDGATE_SERVICES_KAFKA_PORT', 19_092, CONTROLLER_DISTANCE);
  const controller = port + CONTROLLER_DISTANCE;
  const dataDir = join(SERVICES_STATE, 'kafka');
  const folder = join(dataDir, 'node-1');
  return {
    name: 'kafka',
    folder,
    marker: join(folder, 'server.properties'),
    port,
    ports: [port, controller],
    refuseMissingProgram: () => {
      findJava();
      findMavenIfNeeded();
    },
    fault: () => brokerFault({ id: 1, port }, [{ id: 1, port }]).catch(({ message }) => message),
    start: async (report) => {
      const ports = [{ broker: port, controller }];
      const cluster = await startKafkaCluster({ nodes: 1, dataDir, ports, keepRunning: true, report });
      return { pid: cluster.nodes[0]?.pid };
    },
  };
}

/** @returns {LocalService} */
function influx() {
  const port = portSetting('FIELDGATE_SERVICES_INFLUX_PORT', 18_086, RPC_DISTANCE);
  const rpc = port + RPC_DISTANCE;
  const folder = join(SERVICES_STATE, 'influx');
  return {
    name: 'influx',
    folder,
    marker: join(folder, 'influxdb.conf'),
    port,
    ports: [port, rpc],
    refuseMissingProgram: () => void findInflux(),
    fault: () => pingInflux(port),
    start: (report) =>
      startInflux({ dataDir: folder, ports: { http: port, rpc }, keepRunning: true, report }),
  };
}

/**
 * @param {string} variable
 * @param {number} fallback
 * @param {number} room how far above it the service's second port is
 */
function portSetting(variable, fallback, room) {
  const text = process.env[variable];
  if (text === undefined || text === '') return fallback;
  const port = Number(text);
  if (Number.isInteger(port) && port > 0 && port + room <= 65_535) return port;
  throw new ServiceError(
    `${variable}=${text}: not a port from 1 to ${65_535 - room} (${room} above it is used too)`,
  );
}
