import { connect } from 'node:net';
import { startInflux } from './influx-server.mjs';
import { influxOfWorker, kafkaOfWorker } from './services-of-worker.mjs';
import { startKafkaCluster } from './kafka-cluster.mjs';
import { ServiceError } from './service-error.mjs';

const REACHABLE_MS = 3_000;

/**
 * A real Kafka and a real InfluxDB for each worker of `npm run test:services`, on free ports and in temporary folders:
 * topics and groups have fixed names, so two installations on one Kafka would take each other's records. The specs find
 * theirs in FIELDGATE_TEST_KAFKA and FIELDGATE_TEST_INFLUX (jest-services-of-worker.mjs); set from outside, these name
 * services that are used instead, by one worker.
 * A service that is not to be had fails the run: a suite that skips itself proves nothing.
 *
 * @param {{ readonly maxWorkers: number }} globalConfig
 */
export default async function setUp({ maxWorkers }) {
  const workers = Array.from({ length: maxWorkers }, (_, index) => index + 1);
  const outcomes = await Promise.allSettled(workers.flatMap((worker) => [kafka(worker), influx(worker)]));
  const started = outcomes.flatMap(({ value }) => value ?? []);
  const faults = outcomes.flatMap(({ reason }) => reason ?? []);
  globalThis.fieldgateServices = started; // for jest-global-teardown.mjs, which runs in this same process
  if (faults.length === 0) return;
  await Promise.all(started.map((service) => service.stop())); // jest does not tear down what did not set up
  throw new ServiceError(
    `the services for the tests cannot be had:\n${faults.map(({ message }) => message).join('\n')}`,
  );
}

/** @param {number} worker */
async function kafka(worker) {
  const given = process.env.FIELDGATE_TEST_KAFKA;
  if (given) return reachable('FIELDGATE_TEST_KAFKA', given.split(',')[0] ?? '');
  const cluster = await startKafkaCluster({ nodes: 1, report });
  process.env[kafkaOfWorker(worker)] = cluster.bootstrap.join(',');
  return cluster;
}

/** @param {number} worker */
async function influx(worker) {
  const given = process.env.FIELDGATE_TEST_INFLUX;
  if (given) return reachable('FIELDGATE_TEST_INFLUX', given);
  const server = await startInflux({ report });
  process.env[influxOfWorker(worker)] = server.url;
  return server;
}

/**
 * @param {string} variable
 * @param {string} address `host:port`, or a URL
 * @returns {Promise<undefined>} nothing to stop
 */
function reachable(variable, address) {
  const { hostname, port, protocol } = new URL(address.includes('://') ? address : `kafka://${address}`);
  const defaultPort = protocol === 'https:' ? 443 : 80; // which URL leaves out
  return new Promise((resolve, reject) => {
    const refuse = (/** @type {string} */ why) =>
      reject(new ServiceError(`${variable}: ${hostname}:${port}: ${why}`));
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port) || defaultPort,
      timeout: REACHABLE_MS,
    });
    socket.once('connect', () => resolve(void socket.destroy()));
    socket.once('timeout', () => refuse('no answer') ?? socket.destroy());
    socket.once('error', ({ message }) => refuse(message));
  });
}

/** @param {string} line */
function report(line) {
  process.stderr.write(`${line}\n`);
}
