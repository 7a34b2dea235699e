import { join } from 'node:path';
import { withFolderLock } from './folder-lock.mjs';
import { chosenServices } from './local-services.mjs';
import { isRunning } from './own-process.mjs';
import { SERVICES_STATE } from './paths.mjs';
import { refuseBusyPorts } from './ports.mjs';
import { printFault, ServiceError } from './service-error.mjs';
import { readPidFile } from './service-process.mjs';
import { until } from './steps.mjs';

// npm run services:up [-- --kafka-only | --influx-only]

const HEALTHY_MS = 15_000;

try {
  const services = chosenServices(process.argv.slice(2));
  const onWait = () => console.log('services: another services:up is at work; waiting');
  await withFolderLock(join(SERVICES_STATE, 'up.lock'), { onWait }, () => up(services));
} catch (error) {
  printFault(error);
  process.exitCode = 1;
}

/** @param {import('./local-services.mjs').LocalService[]} services */
async function up(services) {
  const absent = [];
  for (const service of services) {
    if (!(await isUp(service))) absent.push(service);
  }
  for (const { name, ports, refuseMissingProgram } of absent) {
    refuseMissingProgram(); // all refusals before the first start: half of the services is no help
    await refuseBusyPorts(name, ports);
  }
  const outcomes = await Promise.allSettled(absent.map((service) => service.start(console.log)));
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue;
    printFault(outcome.reason);
    process.exitCode = 1;
  }
}

/** @param {import('./local-services.mjs').LocalService} service */
async function isUp({ name, folder, marker, port, fault }) {
  const found = readPidFile(folder);
  if (found === undefined || !isRunning({ pid: found.pid, marker })) return false;
  if (found.port !== port)
    throw new ServiceError(`${name}: runs on port ${found.port}, not ${port}: npm run services:down first`);
  const unhealthy = `${name}: process ${found.pid} is there but not ready; npm run services:down ends it`;
  await until(fault, { fault: unhealthy, timeoutMs: HEALTHY_MS });
  console.log(`${name}: already running on 127.0.0.1:${port} (pid ${found.pid})`);
  return true;
}
