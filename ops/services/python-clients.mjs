import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { withFolderLock } from './folder-lock.mjs';
import { findProgram, SERVICES_STATE } from './paths.mjs';
import { ServiceError } from './service-error.mjs';
import { step } from './steps.mjs';

const PAHO = { name: 'paho-mqtt', version: '2.1.0', folder: 'paho_mqtt-2.1.0.dist-info' };
const LIBRARIES = join(SERVICES_STATE, 'python');

/**
 * Python's MQTT client in `.services/python`, fetched once and shared by all tests of this checkout. Several processes may call this at once.
 * @param {{ report?: import('./steps.mjs').Report }} [options]
 * @returns {Promise<import('./python-clients.mjs').PythonClients>}
 */
export async function ensurePythonClients({ report = () => {} } = {}) {
  const python = findProgram('python3', 'python3');
  const onWait = () => report('python: another process is fetching the clients; waiting');
  await withFolderLock(join(dirname(LIBRARIES), 'python.lock'), { onWait }, async () => {
    if (!existsSync(join(LIBRARIES, PAHO.folder)))
      await step(report, `python: ${PAHO.name} ${PAHO.version} fetched from PyPI`, () => fetch(python));
  });
  return { python, environment: { PYTHONPATH: LIBRARIES } };
}

/** @param {string} python */
async function fetch(python) {
  const incoming = `${LIBRARIES}.incoming`;
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { recursive: true });
  const quiet = ['--quiet', '--disable-pip-version-check', '--no-input'];
  const wanted = ['--target', incoming, `${PAHO.name}==${PAHO.version}`];
  try {
    await promisify(execFile)(python, ['-m', 'pip', 'install', ...quiet, ...wanted]);
  } catch (error) {
    const missing = `${error.stderr}`.includes('No module named pip');
    const what = missing
      ? 'pip is not installed: on Debian, apt-get install python3-pip'
      : error.stderr || error.message;
    throw new ServiceError(`python: ${PAHO.name} cannot be fetched: ${what}`);
  }
  rmSync(LIBRARIES, { recursive: true, force: true });
  renameSync(incoming, LIBRARIES); // so that it is complete whenever it is there
}
