import { rmSync } from 'node:fs';
import { chosenServices } from './local-services.mjs';
import { endProcess } from './own-process.mjs';
import { printFault } from './service-error.mjs';
import { pidFile, readPidFile } from './service-process.mjs';

// npm run services:down [-- --kafka-only | --influx-only]
// Ends the processes of the pid files, and only if their command line says that they are ours. The data stays.

const GRACE_MS = 15_000;

try {
  for (const service of chosenServices(process.argv.slice(2))) await down(service);
} catch (error) {
  printFault(error);
  process.exitCode = 1;
}

/** @param {import('./local-services.mjs').LocalService} service */
async function down({ name, folder, marker }) {
  const found = readPidFile(folder);
  if (found === undefined) return console.log(`${name}: not running`);
  const started = performance.now();
  const outcome = await endProcess({ pid: found.pid, marker }, GRACE_MS);
  console.log(
    `${name}: process ${found.pid} ${outcome} (${((performance.now() - started) / 1000).toFixed(1)} s)`,
  );
  rmSync(pidFile(folder), { force: true });
}
